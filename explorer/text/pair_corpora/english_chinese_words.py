"""The words of the English–Chinese pairs: what goes with what, and how it is counted."""

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """measure: the word that it is counted with. kind: what may be done to it."""

    english: str
    chinese: str
    measure: str
    kind: str


class Adjective(NamedTuple):
    """links: 的, or nothing, between it and its noun. leads: it may stand before a noun at all."""

    english: str
    chinese: str
    links: str
    leads: bool


class Action(NamedTuple):
    """kinds: of the nouns that it may be done to, empty when it is done to nothing."""

    english: str
    chinese: str
    kinds: tuple[str, ...]


_NOUNS = {  # English Chinese measure word
    "person": """teacher 老师 位, doctor 医生 位, student 学生 个, friend 朋友 个, child 孩子 个,
        girl 女孩 个, boy 男孩 个, woman 女人 个, man 男人 个, nurse 护士 位, driver 司机 位,
        worker 工人 个, writer 作家 位, singer 歌手 位, neighbour 邻居 个, cook 厨师 位,
        lawyer 律师 位, policeman 警察 个, classmate 同学 个, farmer 农民 个""",
    "animal": """cat 猫 只, dog 狗 条, bird 鸟 只, horse 马 匹, cow 牛 头, rabbit 兔子 只,
        fish 鱼 条, sheep 羊 只, duck 鸭子 只, tiger 老虎 只, pig 猪 头, chicken 鸡 只,
        snake 蛇 条, monkey 猴子 只, mouse 老鼠 只, elephant 大象 头""",
    "food": """apple 苹果 个, cake 蛋糕 块, egg 鸡蛋 个, orange 橙子 个, banana 香蕉 根,
        pear 梨 个, dumpling 饺子 个, watermelon 西瓜 个, biscuit 饼干 块, tomato 西红柿 个,
        carrot 胡萝卜 根""",
    "drink": "tea 茶 杯, coffee 咖啡 杯, water 水 杯, milk 牛奶 杯, beer 啤酒 瓶, juice 果汁 瓶",
    "text": """book 书 本, letter 信 封, newspaper 报纸 份, novel 小说 本, story 故事 个,
        magazine 杂志 本, dictionary 词典 本, article 文章 篇""",
    "thing": """car 汽车 辆, bicycle 自行车 辆, phone 手机 部, computer 电脑 台, umbrella 雨伞 把,
        table 桌子 张, chair 椅子 把, picture 画 张, map 地图 张, pen 笔 支, bag 包 个,
        watch 手表 块, cup 杯子 个, knife 刀 把, key 钥匙 把, camera 照相机 台, flower 花 朵,
        lamp 灯 盏, bed 床 张, ticket 票 张, ball 球 个, guitar 吉他 把""",
    "clothes": """shirt 衬衫 件, coat 大衣 件, hat 帽子 顶, skirt 裙子 条, jumper 毛衣 件,
        scarf 围巾 条""",
}  # fmt: skip
_ACTIONS = """eat 吃 food, drink 喝 drink, buy 买 food drink text thing clothes,
    sell 卖 thing food, read 看 text, write 写 text, look_at 看 animal person thing,
    look_for 找 person thing clothes text, draw 画 animal person thing, wash 洗 clothes,
    wait_for 等 person, help 帮助 person, take 拿 thing clothes text, repair 修 thing,
    feed 喂 animal, use 用 thing, wear 穿 clothes, borrow 借 text thing,
    choose 选 text clothes thing, sleep 睡觉, work 工作, sing 唱歌, dance 跳舞, swim 游泳,
    run 跑步, cook 做饭, study 学习, eat_dinner 吃晚饭, rest 休息, play_football 踢足球,
    watch_television 看电视, listen_to_music 听音乐, speak_English 说英语, take_a_bath 洗澡"""
_ADJECTIVES = {  # English Chinese; said with 很, and before a noun with 的, without it*, never-
    "person": """tall 高-, happy 高兴-, busy 忙-, tired 累-, young 年轻, clever 聪明, famous 有名,
        rich 富有, polite 礼貌""",
    "animal": """big 大*, little 小*, black 黑*, white 白*, lovely 可爱, fat 胖*, quick 快-,
        clever 聪明""",
    "food": "big 大*, fresh 新鲜, sweet 甜*, good 好吃, cheap 便宜, little 小*",
    "drink": "hot 热*, cold 冰*, good 好喝, sweet 甜, expensive 贵-",
    "text": "new 新*, old 旧*, interesting 有意思, difficult 难-, long 长*, important 重要",
    "thing": """new 新*, old 旧*, red 红*, expensive 贵-, cheap 便宜, beautiful 漂亮, big 大*,
        little 小*""",
    "clothes": "new 新*, old 旧*, red 红*, warm 暖和, expensive 贵-, beautiful 漂亮, long 长*",
}
_PLACES = """in the library 在图书馆, at school 在学校, at home 在家, in the garden 在花园里,
    in the park 在公园里, in the kitchen 在厨房里, at the station 在车站,
    in the restaurant 在饭馆, in the shop 在商店, at the hospital 在医院, in Beijing 在北京,
    in Shanghai 在上海, at the airport 在机场, in the office 在办公室,
    in the classroom 在教室里"""
_GOALS = """the library 图书馆, the school 学校, the park 公园, the station 车站, Beijing 北京,
    Shanghai 上海, the shop 商店, the hospital 医院, the airport 机场, China 中国, the bank 银行,
    the cinema 电影院, the beach 海边"""
_SPOTS = {
    "little": "on the table 桌子上, in the box 盒子里, on the chair 椅子上, in the bag 包里",
    "large": """in the room 房间里, behind the door 门后面, in the garden 花园里,
        under the tree 树下, in front of the school 学校前面, beside the river 河边""",
}
_TIMES = {
    "present": """every day 每天, every morning 每天早上, every evening 每天晚上,
        at the weekend 周末""",
    "progressive": "now 现在",
    "past": """yesterday 昨天, last week 上个星期, last year 去年, this morning 今天早上,
        yesterday evening 昨天晚上, last month 上个月, the day before yesterday 前天""",
    "future": """tomorrow 明天, next week 下个星期, next year 明年, tonight 今天晚上,
        tomorrow morning 明天早上, next month 下个月, the day after tomorrow 后天""",
}
MASS = {"tea", "coffee", "water", "milk", "beer", "juice"}
ONLY_BEGUN = {"去", "穿"}  # with 在 they do not say what goes on


def _listed(words: str) -> list[tuple[str, str]]:
    """English and Chinese, which is what stands after the last blank."""
    return [(one, other) for one, _, other in (w.strip().rpartition(" ") for w in words.split(","))]


NOUNS = [Noun(word, chinese, measure, kind) for kind, words in _NOUNS.items()
         for word, chinese, measure in (each.split() for each in words.split(","))]  # fmt: skip
BY_KIND = {kind: [noun for noun in NOUNS if noun.kind == kind] for kind in _NOUNS}
ADJECTIVES = {kind: [Adjective(word, chinese.rstrip("*-"), "的" if chinese[-1] not in "*-" else "",
                               chinese[-1] != "-") for word, chinese in _listed(words)]
              for kind, words in _ADJECTIVES.items()}  # fmt: skip
ACTIONS = [Action(word.replace("_", " "), chinese, tuple(kinds))
           for word, chinese, *kinds in (each.split() for each in _ACTIONS.split(","))]
TIMES = {tense: _listed(words) for tense, words in _TIMES.items()}
SPOTS = {size: _listed(words) for size, words in _SPOTS.items()}
PLACES, GOALS = _listed(_PLACES), _listed(_GOALS)
