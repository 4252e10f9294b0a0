"""Sound comes down to the telephone's rate without whistles and without losing its length."""

from __future__ import annotations

import io
import math
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.sound import NotSound, for_phone, read_wav, resample, seconds_of, trim, write_wav


def tone(hertz: float, rate: int = 22_050, seconds: float = 0.3) -> list[int]:
    return [
        round(10_000 * math.sin(2 * math.pi * hertz * index / rate))
        for index in range(int(rate * seconds))
    ]


def loudness(samples: object) -> float:
    values = list(samples)[200:-200]
    return math.sqrt(sum(value * value for value in values) / len(values))


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 44_100, 48_000])
def test_speech_keeps_its_length_and_loudness(rate: int) -> None:
    found = resample(tone(1_000, rate), rate)
    assert len(found) == pytest.approx(0.3 * 8_000, abs=1)
    assert loudness(found) == pytest.approx(10_000 / math.sqrt(2), rel=0.02)


def test_a_tone_stays_the_same_tone() -> None:
    found = resample(tone(1_000), 22_050)
    ideal = tone(1_000, 8_000)
    worst = max(abs(a - b) for a, b in zip(found[100:-100], ideal[100:-100], strict=False))
    assert worst < 200


@pytest.mark.parametrize("hertz", [4_800, 6_000, 7_500, 9_000])
def test_what_the_telephone_cannot_carry_does_not_fold_back(hertz: int) -> None:
    assert loudness(resample(tone(hertz), 22_050)) < 10_000 / math.sqrt(2) / 50


def test_full_scale_does_not_wrap() -> None:
    square = ([32_767] * 40 + [-32_768] * 40) * 20
    found = resample(square, 22_050)
    assert max(found) <= 32_767
    assert min(found) >= -32_768


def test_lower_rates_are_refused() -> None:
    with pytest.raises(NotSound):
        resample([1, 2, 3], 6_000)
    with pytest.raises(NotSound, match="6000 Hz"):
        read_wav(write_wav([1], 6_000))


def test_stereo_is_mixed() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(b"\x10\x00\x20\x00" * 3)
    samples, rate = read_wav(file.getvalue())
    assert (list(samples), rate) == ([0x18] * 3, 8_000)


def test_sizes_of_a_pipe_are_not_believed() -> None:
    raw = bytearray(write_wav([1, 2, 3]))
    raw[4:8] = raw[40:44] = b"\xff\xff\xff\x7f"
    assert list(read_wav(bytes(raw))[0]) == [1, 2, 3]


def test_silence_at_the_ends_is_cut() -> None:
    loud = [5_000] * 100
    found = trim([0] * 8_000 + loud + [0] * 8_000)
    assert len(found) == 100 + 2 * 480
    assert len(trim([0] * 100)) == 0
    with pytest.raises(NotSound, match="silence"):
        for_phone(write_wav([0] * 100))


def test_what_is_made_is_what_asterisk_plays() -> None:
    made = for_phone(write_wav(tone(440), 22_050))
    with wave.open(io.BytesIO(made)) as file:
        assert file.getparams()[:3] == (1, 2, 8_000)
    assert seconds_of(made) == pytest.approx(0.3, abs=0.01)


@given(st.binary(max_size=120) | st.binary(max_size=80).map(lambda raw: b"RIFF1234WAVE" + raw))
def test_any_bytes_are_sound_or_refused(raw: bytes) -> None:
    refused = False
    try:
        samples, rate = read_wav(raw)
    except NotSound:
        refused = True
    assert refused or (rate >= 8_000 and len(samples) >= 0)
