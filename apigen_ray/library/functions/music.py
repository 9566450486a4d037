"""Notes, chords, scales, keys and tempo."""

from typing import Literal, TypedDict

CATEGORY = "Music"

__all__ = [
    "build_chord",
    "delay_time",
    "note_frequency",
    "scale_notes",
    "song_duration",
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


class SongDuration(TypedDict):
    """How long a piece of music lasts."""

    seconds: float
    text: str


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
