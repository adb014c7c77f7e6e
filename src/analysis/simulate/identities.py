"""Names, codes, contacts and addresses: the same customer as several systems wrote it down.

Everything is put together by chance from lists of words. Codes carry a county number that is not
in use, phones a prefix that no operator has been given, and mail goes to the reserved domain
`.example`, so that none of them belongs to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.simulate.draws import Bools, Draws, Ints
from analysis.simulate.lines import Column, Piece, Words, choice, constant, padded_digits
from analysis.simulate.population import INDUSTRIES, REGIONS, Population

# City, province, first four digits of its division code (GB/T 2260), by region.
CITIES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "华东": (
        ("上海", "上海市", "3101"), ("苏州", "江苏省", "3205"), ("杭州", "浙江省", "3301"),
        ("宁波", "浙江省", "3302"), ("南京", "江苏省", "3201"), ("无锡", "江苏省", "3202"),
        ("合肥", "安徽省", "3401"), ("青岛", "山东省", "3702"), ("厦门", "福建省", "3502"),
    ),
    "华南": (
        ("广州", "广东省", "4401"), ("深圳", "广东省", "4403"), ("东莞", "广东省", "4419"),
        ("佛山", "广东省", "4406"), ("南宁", "广西壮族自治区", "4501"), ("海口", "海南省", "4601"),
    ),
    "华北": (
        ("北京", "北京市", "1101"), ("天津", "天津市", "1201"), ("石家庄", "河北省", "1301"),
        ("太原", "山西省", "1401"), ("唐山", "河北省", "1302"),
    ),
    "华中": (
        ("武汉", "湖北省", "4201"), ("长沙", "湖南省", "4301"), ("郑州", "河南省", "4101"),
        ("南昌", "江西省", "3601"), ("洛阳", "河南省", "4103"),
    ),
    "西南": (
        ("成都", "四川省", "5101"), ("重庆", "重庆市", "5001"), ("昆明", "云南省", "5301"),
        ("贵阳", "贵州省", "5201"),
    ),
    "东北": (
        ("沈阳", "辽宁省", "2101"), ("大连", "辽宁省", "2102"), ("长春", "吉林省", "2201"),
        ("哈尔滨", "黑龙江省", "2301"),
    ),
    "西北": (
        ("西安", "陕西省", "6101"), ("兰州", "甘肃省", "6201"), ("银川", "宁夏回族自治区", "6401"),
        ("乌鲁木齐", "新疆维吾尔自治区", "6501"),
    ),
}  # fmt: skip
# ruff: noqa: SIM905 (one word list reads better than seventy quoted words)
# Characters that trade names are made of, with their pinyin.
BRAND = (
    "锐rui 泽ze 恒heng 禾he 启qi 嘉jia 远yuan 盛sheng 腾teng 博bo 瑞rui 凯kai 泰tai 丰feng 诚cheng "
    "信xin 宏hong 达da 通tong 利li 源yuan 康kang 华hua 晟sheng 睿rui 卓zhuo 越yue 朗lang 辰chen "
    "星xing 宇yu 航hang 峰feng 岳yue 岚lan 川chuan 海hai 澜lan 润run 沐mu 青qing 蓝lan 橙cheng "
    "木mu 林lin 森sen 禹yu 尧yao 舜shun 麦mai 谷gu 稻dao 茗ming 雅ya 韵yun 歌ge 颂song 铭ming "
    "鼎ding 鑫xin 钰yu 铂bo 珂ke 琪qi 璟jing 珑long 昊hao 昱yu 晖hui 曜yao 旭xu 晴qing"
).split()
TRADE_WORDS: dict[str, tuple[str, ...]] = {
    "电商零售": ("电子商务", "网络科技", "商贸", "供应链管理", "贸易", "优选", "跨境电商", "百货"),
    "服装鞋帽": ("服饰", "服装", "鞋业", "针织", "纺织", "制衣", "时装", "皮具"),
    "食品生鲜": ("食品", "冷链食品", "生鲜", "饮品", "水产", "乳业", "调味品", "烘焙食品"),
    "农产品": ("农业", "果业", "粮油", "茶业", "农产品", "种业", "生态农业", "菌业"),
    "电子电器": ("电子科技", "电子", "电器", "光电科技", "智能科技", "半导体", "照明", "通信设备"),
    "机械设备": ("机械", "机械设备", "精密机械", "数控设备", "自动化设备", "机电", "重工", "泵业"),
    "家居建材": ("家居", "建材", "家具", "卫浴", "门窗", "陶瓷", "地板", "灯饰"),
    "汽车配件": ("汽车配件", "汽配", "汽车零部件", "轮胎", "汽车科技", "车业", "滤清器", "轴承"),
    "医药健康": ("医药", "医疗器械", "生物科技", "健康科技", "制药", "药业", "诊断试剂", "保健品"),
    "化工材料": ("化工", "新材料", "塑胶", "涂料", "橡胶", "化学科技", "树脂", "颜料"),
}  # fmt: skip
SHORTER = {"电子商务": "电商", "网络科技": "网科", "供应链管理": "供应链", "机械设备": "机械",
           "电子科技": "电子", "汽车零部件": "汽零", "医疗器械": "医械", "生态农业": "生态农",
           "自动化设备": "自动化", "通信设备": "通信"}  # fmt: skip
LEGAL_FORMS = ("有限公司", "股份有限公司", "有限责任公司", "")
LEGAL_SHARES = (0.86, 0.94, 1.0)
SURNAMES = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu "
    "胡hu 郭guo 何he 林lin 高gao 罗luo 郑zheng 梁liang 谢xie 宋song 唐tang 许xu 韩han 冯feng "
    "邓deng 曹cao 彭peng 曾zeng 萧xiao 田tian 董dong 潘pan 袁yuan 蔡cai 蒋jiang 余yu"
).split()
GIVEN = (
    "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan "
    "涛tao 明ming 超chao 秀xiu 霞xia 平ping 刚gang 桂gui 英ying 华hua 玉yu 萍ping 红hong 鹏peng "
    "辉hui 玲ling 斌bin 宇yu 浩hao 凯kai 欣xin 雪xue 梅mei 琳lin 晨chen 阳yang"
).split()
ROADS = (
    "人民路", "解放路", "中山路", "创业路", "科技大道", "工业园路", "滨河路", "迎宾大道",
    "兴业街", "物流大道", "新华路", "建设路", "金桥路", "康庄路", "长江路", "光明街",
)  # fmt: skip
DISTRICTS = ("高新区", "经开区", "城东区", "新城区", "滨江区", "临港区", "城西区", "开发区")

CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I O S V Z
CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714: check character of the organisation code
UNUSED_COUNTY = "99"
UNUSED_MOBILE_PREFIX = "154"

AS_REGISTERED, NO_FORM, BRACKETS, LONG_FORM, WIDE_LETTERS, SHORT_TRADE, NO_CITY = range(7)
VARIANT_SHARES = (0.30, 0.50, 0.64, 0.74, 0.82, 0.94)  # of second records; the rest drop the city


@dataclass(frozen=True)
class Identity:
    """What each customer is called; numbers into the lists above, one entry a customer.

    Attributes:
        city: number into `city_table`.
        initials: two Latin letters before the trade name, as a number; 0 for none.
        first, second: characters of the trade name.
        trade: number into `trade_words`.
        legal: number into LEGAL_FORMS.
        surname, given, given_two: of the contact (given_two 0: a single given name).
        road, district, house: of the address.
        phone: eight digits after the prefix.
        tax_code: unified social credit code, 18 characters.
    """

    city: Ints
    initials: Ints
    first: Ints
    second: Ints
    trade: Ints
    legal: Ints
    surname: Ints
    given: Ints
    given_two: Ints
    road: Ints
    district: Ints
    house: Ints
    phone: Ints
    tax_code: np.ndarray

    def take(self, rows: Ints) -> Identity:
        """The same for some customers, or for a customer several times."""
        return Identity(**{name: values[rows] for name, values in vars(self).items()})


@lru_cache(maxsize=1)
def city_table() -> tuple[tuple[str, str, str], ...]:
    """City, province and division code of every city, regions in order."""
    return tuple(city for region in REGIONS for city in CITIES[region])


@lru_cache(maxsize=1)
def trade_words() -> tuple[str, ...]:
    """Trade words of all industries, eight an industry, in order."""
    return tuple(word for line in INDUSTRIES for word in TRADE_WORDS[line.name])


def identities(draws: Draws, population: Population) -> Identity:
    """Give every customer a name that no other customer has, a code and an address."""
    who = np.arange(len(population))
    city = _cities(draws, population)
    rank = _rank_within(city)
    brands = len(BRAND) ** 2
    spread = (rank * 2_741 + city * 977) % brands  # 2,741 is coprime to 72², so all differ
    word = (rank // brands + draws.levels("trade word", who)) % 8
    has_initials = draws.uniform("initials", who) < 0.05
    letters = 1 + draws.levels("letters", who) % (26 * 26)
    legal = np.searchsorted(np.array(LEGAL_SHARES), draws.uniform("legal", who), side="right")
    return Identity(
        city=city,
        initials=np.where(has_initials, letters, 0),
        first=spread // len(BRAND),
        second=spread % len(BRAND),
        trade=population.industry * 8 + word,
        legal=legal.astype(np.int64),
        surname=draws.levels("surname", who) % len(SURNAMES),
        given=draws.levels("given", who) % len(GIVEN),
        given_two=draws.levels("given two", who) % (len(GIVEN) + 1),
        road=draws.levels("road", who) % len(ROADS),
        district=draws.levels("district", who) % len(DISTRICTS),
        house=1 + draws.levels("house", who) % 998,
        phone=(who * 48_271 + draws.seed % 1000 * 7_919) % 100_000_000,
        tax_code=credit_codes(draws, city),
    )


def _cities(draws: Draws, population: Population) -> Ints:
    counts = np.array([len(CITIES[region]) for region in REGIONS])
    starts = np.cumsum(counts) - counts
    level = draws.uniform("city", np.arange(len(population))) ** 1.4  # the first cities are larger
    return starts[population.region] + (level * counts[population.region]).astype(np.int64)


def _rank_within(group: Ints) -> Ints:
    order = np.argsort(group, kind="stable")
    grouped = group[order]
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(grouped, grouped, side="left")
    return rank


def credit_codes(draws: Draws, city: Ints) -> np.ndarray:
    """Unified social credit codes (GB 32100-2015), different for each row, with check characters.

    Args:
        city: numbers into `city_table`, for the division code.

    Returns:
        An array of 18-byte strings: `91`, division, organisation code, check character.
    """
    digits = np.zeros((len(city), 18), dtype=np.int64)
    digits[:, :2] = (9, 1)
    divisions = np.array([[int(d) for d in code + UNUSED_COUNTY] for _, _, code in city_table()])
    digits[:, 2:8] = divisions[city]
    digits[:, 8:10] = (CODE_CHARACTERS.index("M"), CODE_CHARACTERS.index("A"))
    serial = (np.arange(len(city)) * 514_229 + draws.seed % 9973 * 31) % 31**6
    digits[:, 10:16] = serial[:, None] // 31 ** np.arange(6) % 31
    digits[:, 16] = _organisation_check(digits[:, 8:16])
    digits[:, 17] = (31 - digits[:, :17] @ np.array(CODE_WEIGHTS) % 31) % 31
    characters = np.frombuffer(CODE_CHARACTERS.encode(), dtype="S1")
    return np.ascontiguousarray(characters[digits]).view("S18").ravel()


def _organisation_check(body: Ints) -> Ints:
    """Check character of an organisation code (GB 11714-1997), as its number in the alphabet.

    There letters count from A = 10 with none left out, unlike in the credit code around it.
    """
    worth = np.array([int(character, 36) for character in CODE_CHARACTERS])
    check = (11 - worth[body] @ np.array(BODY_WEIGHTS) % 11) % 11
    return np.where(check == 10, CODE_CHARACTERS.index("X"), check)


def pick_variants(draws: Draws, purpose: str, rows: Ints) -> Ints:
    """How a second system writes each name."""
    uniform = draws.uniform(purpose, rows)
    return np.searchsorted(np.array(VARIANT_SHARES), uniform, side="right").astype(np.int64)


def name_column(identity: Identity, variant: Ints) -> Column:
    """Company names as one system writes them.

    Args:
        variant: AS_REGISTERED, NO_FORM (legal form dropped), BRACKETS (city in brackets behind
            the trade name), LONG_FORM (有限责任公司), WIDE_LETTERS (full-width Latin letters and
            brackets), SHORT_TRADE (trade word abbreviated) or NO_CITY, one a row.
    """
    cities = [city for city, _, _ in city_table()]
    none = len(cities)
    behind = (variant == BRACKETS) | (variant == WIDE_LETTERS)
    front = np.where(behind | (variant == NO_CITY), none, identity.city)
    back = np.where(behind, identity.city, none) + np.where(variant == WIDE_LETTERS, none + 1, 0)
    wide = identity.initials + np.where(variant == WIDE_LETTERS, 26 * 26 + 1, 0)
    short = identity.trade + np.where(variant == SHORT_TRADE, len(trade_words()), 0)
    legal = np.where(variant == NO_FORM, 3, np.where(variant == LONG_FORM, 2, identity.legal))
    brackets = (*(f"({city})" for city in cities), "", *(f"（{city}）" for city in cities), "")
    characters = tuple(word[0] for word in BRAND)
    return (
        *choice((*cities, ""), front),
        *choice(_initials(), wide),
        *choice(characters, identity.first),
        *choice(characters, identity.second),
        *choice(brackets, back),
        *choice((*trade_words(), *(SHORTER.get(w, w) for w in trade_words())), short),
        *choice(LEGAL_FORMS, legal),
    )


@lru_cache(maxsize=1)
def _initials() -> Words:
    letters = [chr(65 + n // 26) + chr(65 + n % 26) for n in range(26 * 26)]
    wide = ["".join(chr(ord(letter) + 0xFEE0) for letter in pair) for pair in letters]
    return Words(("", *letters, "", *wide))


def person_column(surname: Ints, given: Ints, given_two: Ints) -> Column:
    """Names of people: surname and one or two given characters."""
    characters = tuple(word[0] for word in GIVEN)
    return (
        *choice([word[0] for word in SURNAMES], surname),
        *choice(characters, given),
        *choice(("", *characters), given_two),
    )


def mail_column(identity: Identity) -> Column:
    """Mail addresses under the reserved domain `.example`."""
    brand = tuple(word[1:] for word in BRAND)
    return (
        *choice([word[1:] for word in SURNAMES], identity.surname),
        *choice([word[1:] for word in GIVEN], identity.given),
        *constant("@", len(identity.city)),
        *choice(brand, identity.first),
        *choice(brand, identity.second),
        *constant(".example", len(identity.city)),
    )


def phone_column(identity: Identity, dashed: Bools) -> Column:
    """Mobile phones; some systems write them `154-0123-4567`."""
    dash = dashed.astype(np.int64)
    return (
        *constant(UNUSED_MOBILE_PREFIX, len(dashed)),
        *choice(("", "-"), dash),
        *choice(padded_digits(4), identity.phone // 10_000),
        *choice(("", "-"), dash),
        *choice(padded_digits(4), identity.phone % 10_000),
    )


def address_column(identity: Identity, short: Bools) -> Column:
    """Addresses; some systems leave the province out."""
    provinces = [name if name[:2] != city[:2] else "" for city, name, _ in city_table()]
    places = [city + "市" for city, _, _ in city_table()]
    return (
        *choice((*provinces, ""), np.where(short, len(provinces), identity.city)),
        *choice(places, identity.city),
        *choice(DISTRICTS, identity.district),
        *choice(ROADS, identity.road),
        *choice([f"{number}号" for number in range(1000)], identity.house),
    )


def tax_column(identity: Identity, missing: Bools) -> Column:
    """Credit codes, empty where missing."""
    texts = Words(("", *(text.decode() for text in identity.tax_code)))
    return (Piece(texts, np.where(missing, 0, np.arange(len(missing)) + 1)),)
