"""The peer of web.py: a bare Streamlit page with one control and one Plotly heatmap."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

ROWS, COLUMNS = 128, 76  # as many units and tokens as the Gates page draws when it is opened

chosen = st.segmented_control("Picture", ["first", "second"], default="first", key="view")
values = np.random.default_rng(chosen == "second").random((ROWS, COLUMNS))
st.plotly_chart(go.Figure(go.Heatmap(z=values, zmin=0, zmax=1)), key="chart")
