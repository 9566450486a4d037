"""Notes, chords, scales, keys and tempo."""

from typing import Literal, TypedDict

CATEGORY = "Music"

__all__ = [
    "build_chord",
    "chords_in_key",
    "delay_time",
    "fretboard_note",
    "interval_between_notes",
    "key_signature",
    "note_frequency",
    "scale_notes",
    "song_duration",
    "tempo_marking",
    "transpose_notes",
]

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
CHORDS = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "augmented": (0, 4, 8),
    "dominant seventh": (0, 4, 7, 10),
    "major seventh": (0, 4, 7, 11),
    "minor seventh": (0, 3, 7, 10),
}
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
BEATS = {"half": 2.0, "quarter": 1.0, "dotted eighth": 0.75, "eighth": 0.5, "sixteenth": 0.25}
# The circle of fifths: major keys and their relative minors from six flats to six sharps.
MAJOR_KEYS = ("Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#")
MINOR_KEYS = ("Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#")
SHARPS = ("F#", "C#", "G#", "D#", "A#", "E#")
FLAT_NOTES = ("Bb", "Eb", "Ab", "Db", "Gb", "Cb")
INTERVALS = (
    "unison, minor second, major second, minor third, major third, perfect fourth, tritone, perfect fifth, "
    "minor sixth, major sixth, minor seventh, major seventh"
).split(", ")
# Chords on the degrees of a key: the numeral, in lower case where minor, with a degree sign where diminished.
DEGREES = {"major": ("I", "ii", "iii", "IV", "V", "vi", "vii°"), "minor": ("i", "ii°", "III", "iv", "v", "VI", "VII")}
# Open strings in standard tuning, the first string first: note and octave.
TUNINGS: dict[str, tuple[tuple[str, int], ...]] = {
    "guitar": (("E", 4), ("B", 3), ("G", 3), ("D", 3), ("A", 2), ("E", 2)),
    "bass": (("G", 2), ("D", 2), ("A", 1), ("E", 1)),
    "ukulele": (("A", 4), ("E", 4), ("C", 4), ("G", 4)),
    "mandolin": (("E", 5), ("A", 4), ("D", 4), ("G", 3)),
}
# The slowest tempo of each word, in beats per minute, as printed on the scales of pendulum metronomes.
TEMPO_WORDS = (
    (200, "Prestissimo"),
    (168, "Presto"),
    (120, "Allegro"),
    (108, "Moderato"),
    (76, "Andante"),
    (66, "Adagio"),
    (60, "Larghetto"),
    (40, "Largo"),
)


class SongDuration(TypedDict):
    """How long a piece of music lasts."""

    seconds: float
    text: str


class KeySignature(TypedDict):
    """The signs at the beginning of a stave and the key that shares them."""

    accidentals: list[str]
    relative_key: str


class Interval(TypedDict):
    """How far apart two notes are."""

    semitones: int
    name: str


class FrettedNote(TypedDict):
    """The note that a string gives at a fret."""

    note: str
    octave: int


def _position(note: str) -> int:
    """The place of a note in the octave, C being 0."""
    name = note.strip()[:1].upper() + note.strip()[1:]
    name = FLATS.get(name, name)
    if name not in NOTES:
        raise ValueError(f"{note!r} is not a note such as C, F# or Bb")
    return NOTES.index(name)


def note_frequency(note: str, octave: int, tuning_hz: float = 440.0) -> float:
    """Calculate the frequency of a musical note in hertz.

    Args:
        note: Name of the note, such as "A", "C#" or "Bb".
        octave: Octave of the note, where the A above middle C lies in octave 4.
        tuning_hz: Frequency of that A.

    Returns:
        The frequency in equal temperament.

    Raises:
        ValueError: The note is not known, the octave is not 0 to 10, or the tuning is not positive.

    >>> note_frequency("A", 4)
    440.0
    >>> note_frequency("C", 4)
    261.63
    """
    if not 0 <= octave <= 10 or tuning_hz <= 0:
        raise ValueError("octave must lie between 0 and 10, and tuning_hz must be positive")
    steps = _position(note) - NOTES.index("A") + 12 * (octave - 4)
    return round(tuning_hz * float(2 ** (steps / 12)), 2)


def transpose_notes(notes: list[str], semitones: int) -> list[str]:
    """Transpose a melody up or down by a number of semitones.

    Args:
        notes: Names of the notes, such as "C", "F#" or "Bb".
        semitones: Semitones to go up; negative to go down.

    Returns:
        The transposed notes, written with sharps.

    Raises:
        ValueError: A note is not known.

    >>> transpose_notes(["C", "E", "G"], 2)
    ['D', 'F#', 'A']
    >>> transpose_notes(["Bb", "D"], -3)
    ['G', 'B']
    """
    return [NOTES[(_position(note) + semitones) % 12] for note in notes]


def build_chord(
    root_note: str,
    chord_type: Literal[
        "major", "minor", "diminished", "augmented", "dominant seventh", "major seventh", "minor seventh"
    ] = "major",
) -> list[str]:
    """List the notes of a chord.

    Args:
        root_note: Root of the chord, such as "C" or "F#".
        chord_type: Kind of chord.

    Returns:
        The notes from the root upwards, written with sharps.

    Raises:
        ValueError: The note is not known.

    >>> build_chord("D", "minor")
    ['D', 'F', 'A']
    """
    return [NOTES[(_position(root_note) + step) % 12] for step in CHORDS[chord_type]]


def scale_notes(
    key_note: str,
    scale_type: Literal["major", "minor", "dorian", "major pentatonic", "minor pentatonic", "blues"],
) -> list[str]:
    """List the notes of a musical scale.

    Args:
        key_note: First note of the scale, such as "G" or "Eb".
        scale_type: Kind of scale.

    Returns:
        The notes of one octave, written with sharps.

    Raises:
        ValueError: The note is not known.

    >>> scale_notes("G", "major")
    ['G', 'A', 'B', 'C', 'D', 'E', 'F#']
    """
    return [NOTES[(_position(key_note) + step) % 12] for step in SCALES[scale_type]]


def song_duration(bars: int, tempo_bpm: float, beats_per_bar: int = 4) -> SongDuration:
    """Calculate how long a song lasts from its bars and tempo.

    Args:
        bars: Number of bars.
        tempo_bpm: Tempo in beats per minute.
        beats_per_bar: Beats in each bar.

    Returns:
        The length in seconds and as minutes:seconds.

    Raises:
        ValueError: A figure is not positive.

    >>> song_duration(96, 120)
    {'seconds': 192.0, 'text': '3:12'}
    """
    if bars < 1 or tempo_bpm <= 0 or beats_per_bar < 1:
        raise ValueError("bars, tempo_bpm and beats_per_bar must be positive")
    seconds = bars * beats_per_bar * 60 / tempo_bpm
    minutes, rest = divmod(round(seconds), 60)
    return {"seconds": round(seconds, 2), "text": f"{minutes}:{rest:02d}"}


def delay_time(
    tempo_bpm: float, note_value: Literal["half", "quarter", "dotted eighth", "eighth", "sixteenth"] = "quarter"
) -> float:
    """Calculate the delay time in milliseconds that fits the tempo of a song.

    Args:
        tempo_bpm: Tempo in beats per minute.
        note_value: Length of the delay as a note.

    Returns:
        The delay in milliseconds.

    Raises:
        ValueError: The tempo is not positive.

    >>> delay_time(120, "dotted eighth")
    375.0
    """
    if tempo_bpm <= 0:
        raise ValueError("tempo_bpm must be positive")
    return round(60_000 / tempo_bpm * BEATS[note_value], 2)


def key_signature(key_note: str, mode: Literal["major", "minor"] = "major") -> KeySignature:
    """Look up the key signature of a major or minor key.

    Args:
        key_note: Name of the key, such as "D", "Eb" or "F#".
        mode: Whether the key is major or minor.

    Returns:
        The sharps or flats in the order in which they are written, and the relative minor or major key.

    Raises:
        ValueError: No key of that name has at most six sharps or flats.

    >>> key_signature("D")
    {'accidentals': ['F#', 'C#'], 'relative_key': 'B minor'}
    >>> key_signature("C", mode="minor")["accidentals"]
    ['Bb', 'Eb', 'Ab']
    """
    keys, others = (MAJOR_KEYS, MINOR_KEYS) if mode == "major" else (MINOR_KEYS, MAJOR_KEYS)
    name = key_note.strip()[:1].upper() + key_note.strip()[1:]
    if name not in keys:
        raise ValueError(f"{key_note!r} {mode} is not a key of at most six sharps or flats")
    place = keys.index(name)
    sharps = place - MAJOR_KEYS.index("C")
    relative = f"{others[place]} {'minor' if mode == 'major' else 'major'}"
    return {"accidentals": [*(SHARPS if sharps > 0 else FLAT_NOTES)[: abs(sharps)]], "relative_key": relative}


def interval_between_notes(lower_note: str, upper_note: str) -> Interval:
    """Name the musical interval from one note up to the next higher place of another.

    Args:
        lower_note: Lower note, such as "C" or "F#".
        upper_note: Upper note, less than an octave above.

    Returns:
        The semitones between the notes and the name of an interval of that size.

    Raises:
        ValueError: A note is not known.

    >>> interval_between_notes("C", "G")
    {'semitones': 7, 'name': 'perfect fifth'}
    """
    semitones = (_position(upper_note) - _position(lower_note)) % 12
    return {"semitones": semitones, "name": INTERVALS[semitones]}


def chords_in_key(key_note: str, mode: Literal["major", "minor"] = "major") -> dict[str, str]:
    """List the seven chords that belong to a key, for writing a chord progression.

    Args:
        key_note: Name of the key, such as "G", "Bb" or "F#".
        mode: Whether the key is major or natural minor.

    Returns:
        The chord for each Roman numeral, written with sharps: "Am" is A minor, "Bdim" B diminished.

    Raises:
        ValueError: The note is not known.

    >>> chords_in_key("G")
    {'I': 'G', 'ii': 'Am', 'iii': 'Bm', 'IV': 'C', 'V': 'D', 'vi': 'Em', 'vii°': 'F#dim'}
    """
    roots = [NOTES[(_position(key_note) + step) % 12] for step in SCALES[mode]]
    endings = ["dim" if "°" in degree else "m" if degree.islower() else "" for degree in DEGREES[mode]]
    return {degree: root + ending for degree, root, ending in zip(DEGREES[mode], roots, endings, strict=True)}


def fretboard_note(
    instrument: Literal["guitar", "bass", "ukulele", "mandolin"], string_number: int, fret: int
) -> FrettedNote:
    """Tell which note sounds at a fret of a guitar, bass, ukulele or mandolin in standard tuning.

    Args:
        instrument: The instrument.
        string_number: Number of the string; the first is the one that lies lowest when the instrument is held.
        fret: Fret that is pressed, 0 for the open string.

    Returns:
        The note, written with sharps, and its octave, where middle C begins octave 4.

    Raises:
        ValueError: The instrument has no such string, or the fret is not 0 to 24.

    >>> fretboard_note("guitar", 6, 3)
    {'note': 'G', 'octave': 2}
    """
    strings = TUNINGS[instrument]
    if not 1 <= string_number <= len(strings) or not 0 <= fret <= 24:
        raise ValueError(f"a {instrument} has {len(strings)} strings, and fret must lie between 0 and 24")
    note, octave = strings[string_number - 1]
    higher, position = divmod(NOTES.index(note) + fret, 12)
    return {"note": NOTES[position], "octave": octave + higher}


def tempo_marking(tempo_bpm: float) -> str:
    """Name the Italian tempo marking, such as Andante or Allegro, for a tempo.

    Args:
        tempo_bpm: Tempo in beats per minute.

    Returns:
        The word on a metronome's scale.

    Raises:
        ValueError: The tempo is below 40 or above 208 beats per minute.

    >>> tempo_marking(96)
    'Andante'
    """
    if not 40 <= tempo_bpm <= 208:
        raise ValueError("tempo_bpm must lie between 40 and 208, as on a metronome")
    return next(word for slowest, word in TEMPO_WORDS if tempo_bpm >= slowest)
