# ruff: noqa: RUF001 - letters that look alike are what is tested
"""Return a thousand prompts in many scripts, the same on every run and machine."""

import random

__all__ = ["prompts"]

# Split at run time, so that the words stay readable here.
_TEXT = """
a photo of the astronaut riding horse castle in fog, 4k highly detailed masterpiece best-quality
(blurry:1.2) don't it's we'll they've I'm you're she'd O'Neill's rock'n'roll CAPITALS MixedCase
naïve café Ångström straße ein Mädchen mit Perlenohrring in der Küche très belle forêt enchantée
niño jugando al fútbol coração português kråke på sjø żółta gęś příliš žluťoučký kůň ığdır
İstanbul şehir ñandú Việt Nam phở bò ǆungla ﬁne ﬂour красная площадь зимой Київ вночі българска
роза η θάλασσα το βράδυ Ελλάδα ქართული ღვინო Հայաստան լեռ ירושלים של זהב שלום القاهرة في الليل
مرحبا خط عربي فارسی گربه روی دیوار اردو زبان ܫܠܡܐ एक सुंदर बगीचा नमस्ते বাংলা ভাষা বাঘ தமிழ்
கோயில் తెలుగు పువ్వు ಕನ್ನಡ ಮನೆ മലയാളം കടൽ සිංහල අලියා ਪੰਜਾਬੀ ਖੇਤ วัดพระแก้ว ภูเขา ລາວ ຊ້າງ
မြန်မာ ဘုရား ខ្មែរ ប្រាសាទ བོད་ཡིག རི ᠮᠣᠩᠭᠣᠯ አማርኛ ቡና 富士山と桜 水墨画 浮世絵
ひらがな カタカナ ﾊﾝｶｸ 東京タワー 龙 舞 山水
繁體 龍鳳 서울의 밤 한글 고양이 ﾡ ＦＵＬＬ ｗｉｄｔｈ
🐱 🧑\u200d🚀 👩🏽\u200d🎨 🏳\ufe0f\u200d🌈 ❤\ufe0f ☕ 🎨✨🔥 ♞ ½ ² ³ Ⅷ ① ∑ ∞ ≠ € £ ¥
₹ © ™ 1234567890 3.14 2049 16:9 ١٢٣ १२३ 一二三 <|startoftext|> <|endoftext|> </w> <lora:x:1> [a|b]
{x} "quoted" ‘curly’ “marks” – — … ¿qué? ¡olé! :) ^_^ \\ / @ # $ % & * e\u0301 n\u0303
o\u0308\u0304 ẞ ﬃ \u200b \u200d \ufeff 𝕏 𐌰
"""
_WORDS = _TEXT.split()
_SYLLABLE_TEXT = """
ba che dri el fo gra hy in jo kla lu ment ness oph pri qua ri sto tion und ver wi x y zu
"""
_SYLLABLES = _SYLLABLE_TEXT.split()
_GAPS = (" ", " ", " ", ", ", "", "  ", "\n", "\t", "\u00a0", "\u3000", "\u200b")


def prompts() -> list[str]:
    """Each has 1 to 60 words, some of them made up, with the gaps that users leave between them."""
    source = random.Random(4)
    made: dict[str, None] = {}
    while len(made) < 1_000:
        words = [_word(source) for _ in range(source.choice((1, 2, 5, 12, 60)))]
        made["".join(word + source.choice(_GAPS) for word in words)] = None
    return list(made)


def _word(source: random.Random) -> str:
    if source.random() < 0.6:
        return source.choice(_WORDS)
    return "".join(source.choice(_SYLLABLES) for _ in range(source.choice((1, 2, 2, 3, 4))))
