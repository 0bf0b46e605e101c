"""The peer of web.py and heads.py: a bare Streamlit page with one control and one Plotly heatmap.
The command line says how many rows and columns it has."""

import sys

import numpy as np
import plotly.graph_objects as go
import streamlit as st

ROWS, COLUMNS = map(int, sys.argv[1:3])

chosen = st.segmented_control("Picture", ["first", "second"], default="first", key="view")
values = np.random.default_rng(chosen == "second").random((ROWS, COLUMNS))
st.plotly_chart(go.Figure(go.Heatmap(z=values, zmin=0, zmax=1)), key="chart")
