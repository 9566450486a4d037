"""Dice, cards, chess, words, characters and chances in games."""

import math
from collections import Counter
from fractions import Fraction
from typing import Literal, TypedDict

CATEGORY = "Gaming"

__all__ = [
    "blackjack_hand_value",
    "character_level",
    "chess_opening_name",
    "chess_piece_moves",
    "d20_success_chance",
    "dice_sum_probability",
    "item_drop_chance",
    "poker_hand_rank",
    "roulette_bet_odds",
    "scrabble_word_score",
]

RANKS = ("2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K", "A")
SUITS = "CDHS"
STRAIGHT = ((1, 0), (-1, 0), (0, 1), (0, -1))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))
JUMPS = ((1, 2), (2, 1), (-1, 2), (-2, 1), (1, -2), (2, -1), (-1, -2), (-2, -1))
MOVES = {  # piece: directions, and how many squares it may go
    "king": (STRAIGHT + DIAGONAL, 1),
    "queen": (STRAIGHT + DIAGONAL, 7),
    "rook": (STRAIGHT, 7),
    "bishop": (DIAGONAL, 7),
    "knight": (JUMPS, 1),
}

# Chess openings: code of the Encyclopaedia of Chess Openings, name, and the moves that make it.
OPENINGS = (
    "A09 Réti Opening: Nf3 d5 c4; A10 English Opening: c4; A57 Benko Gambit: d4 Nf6 c4 c5 d5 b5; "
    "A80 Dutch Defense: d4 f5; B01 Scandinavian Defense: e4 d5; B02 Alekhine's Defense: e4 Nf6; "
    "B06 Modern Defense: e4 g6; B07 Pirc Defense: e4 d6 d4 Nf6; B10 Caro-Kann Defense: e4 c6; "
    "B20 Sicilian Defense: e4 c5; B70 Sicilian Defense, Dragon Variation: e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 g6; "
    "B90 Sicilian Defense, Najdorf Variation: e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6 Nc3 a6; C00 French Defense: e4 e6; "
    "C25 Vienna Game: e4 e5 Nc3; C30 King's Gambit: e4 e5 f4; C41 Philidor Defense: e4 e5 Nf3 d6; "
    "C42 Petrov's Defense: e4 e5 Nf3 Nf6; C44 Scotch Game: e4 e5 Nf3 Nc6 d4; C50 Italian Game: e4 e5 Nf3 Nc6 Bc4; "
    "C60 Ruy Lopez: e4 e5 Nf3 Nc6 Bb5; D02 London System: d4 d5 Nf3 Nf6 Bf4; D06 Queen's Gambit: d4 d5 c4; "
    "D10 Slav Defense: d4 d5 c4 c6; D20 Queen's Gambit Accepted: d4 d5 c4 dxc4; "
    "D30 Queen's Gambit Declined: d4 d5 c4 e6; D80 Grünfeld Defense: d4 Nf6 c4 g6 Nc3 d5; "
    "E12 Queen's Indian Defense: d4 Nf6 c4 e6 Nf3 b6; E20 Nimzo-Indian Defense: d4 Nf6 c4 e6 Nc3 Bb4; "
    "E61 King's Indian Defense: d4 Nf6 c4 g6 Nc3 Bg7"
).split("; ")

# Points of the letters in the English edition of Scrabble.
LETTER_POINTS = {
    letter: points
    for points, letters in ((1, "AEILNORSTU"), (2, "DG"), (3, "BCMP"), (4, "FHVWY"), (5, "K"), (8, "JX"), (10, "QZ"))
    for letter in letters
}
WORD_BONUS = {"none": 1, "double word": 2, "triple word": 3}

# Experience points at which a character reaches the levels 1 to 20 (System Reference Document 5.1).
LEVEL_THRESHOLDS = [
    int(points)
    for points in (
        "0 300 900 2700 6500 14000 23000 34000 48000 64000 85000 100000 120000 140000 165000 195000 225000 265000 "
        "305000 355000"
    ).split()
]

# How many of the numbers 1 to 36 a bet covers.
ROULETTE_BETS = {"single number": 1, "split": 2, "street": 3, "corner": 4, "dozen": 12, "red or black": 18}


class BlackjackHand(TypedDict):
    """The worth of a hand."""

    value: int
    soft: bool
    bust: bool


class Opening(TypedDict):
    """A chess opening."""

    eco_code: str
    name: str


class CharacterLevel(TypedDict):
    """How far a character has come."""

    level: int
    proficiency_bonus: int
    points_to_next_level: int


class RouletteOdds(TypedDict):
    """What a bet at roulette is worth."""

    win_chance_percent: float
    possible_win: float
    expected_loss: float


def dice_sum_probability(
    dice: int, target_sum: int, comparison: Literal["exactly", "at least", "at most"] = "exactly", sides: int = 6
) -> float:
    """Calculate the probability of rolling a certain sum with several dice.

    Args:
        dice: Number of dice, from 1 to 20.
        target_sum: Sum to roll.
        comparison: Whether the sum must be met exactly, or at least, or at most.
        sides: Number of sides of each die.

    Returns:
        The probability, from 0 to 1.

    Raises:
        ValueError: The number of dice is not 1 to 20, or of sides not 2 to 100.

    >>> dice_sum_probability(2, 7)
    0.166667
    >>> dice_sum_probability(3, 16, "at least")
    0.046296
    """
    if not 1 <= dice <= 20 or not 2 <= sides <= 100:
        raise ValueError("dice must lie between 1 and 20, sides between 2 and 100")
    ways = Counter({0: 1})
    for _ in range(dice):
        rolled: Counter[int] = Counter()
        for total, count in ways.items():
            for face in range(1, sides + 1):
                rolled[total + face] += count
        ways = rolled
    wanted = [
        count
        for total, count in ways.items()
        if total == target_sum
        or (comparison == "at least" and total > target_sum)
        or (comparison == "at most" and total < target_sum)
    ]
    return float(round(Fraction(sum(wanted), sides**dice), 6))


def chess_piece_moves(piece: Literal["king", "queen", "rook", "bishop", "knight"], square: str) -> list[str]:
    """List the squares that a chess piece can reach in one move on an empty board.

    Args:
        piece: Kind of piece.
        square: Square on which it stands, for example "e4".

    Returns:
        The squares in alphabetical order.

    Raises:
        ValueError: The square is not on the board.

    >>> chess_piece_moves("knight", "a1")
    ['b3', 'c2']
    >>> len(chess_piece_moves("queen", "d4"))
    27
    """
    name = square.lower()
    if len(name) != 2 or name[0] not in "abcdefgh" or name[1] not in "12345678":
        raise ValueError(f"{square!r} is not a square from a1 to h8")
    column, row = "abcdefgh".index(name[0]), int(name[1]) - 1
    directions, reach = MOVES[piece]
    squares = []
    for across, up in directions:
        for steps in range(1, reach + 1):
            x, y = column + across * steps, row + up * steps
            if 0 <= x < 8 and 0 <= y < 8:
                squares.append("abcdefgh"[x] + str(y + 1))
    return sorted(squares)


def blackjack_hand_value(cards: list[str]) -> BlackjackHand:
    """Calculate the value of a blackjack hand.

    Args:
        cards: Ranks of the cards: 2 to 10, J, Q, K or A.

    Returns:
        The best value, whether an ace counts as eleven in it, and whether it is above 21.

    Raises:
        ValueError: There are no cards, or a rank is not known.

    >>> blackjack_hand_value(["A", "K"])
    {'value': 21, 'soft': True, 'bust': False}
    >>> blackjack_hand_value(["9", "8", "7"])["bust"]
    True
    """
    ranks = [card.upper() for card in cards]
    if not ranks or any(rank not in RANKS for rank in ranks):
        raise ValueError("cards must be ranks: 2 to 10, J, Q, K or A")
    value = sum(1 if rank == "A" else 10 if rank in "JQK" else int(rank) for rank in ranks)
    soft = "A" in ranks and value + 10 <= 21
    return {"value": value + 10 if soft else value, "soft": soft, "bust": value > 21}


def poker_hand_rank(cards: list[str]) -> str:
    """Name the rank of a five-card poker hand.

    Args:
        cards: Five different cards, each a rank (2 to 10, J, Q, K, A) and a suit (C, D, H, S), for example "10H".

    Returns:
        The name of the hand, from "high card" to "royal flush".

    Raises:
        ValueError: There are not five different cards, or a card is not known.

    >>> poker_hand_rank(["10H", "JH", "QH", "KH", "AH"])
    'royal flush'
    >>> poker_hand_rank(["2C", "2D", "9S", "9H", "KD"])
    'two pair'
    """
    names = [card.upper() for card in cards]
    if len(names) != 5 or len(set(names)) != 5:
        raise ValueError("a hand has five different cards")
    if any(name[:-1] not in RANKS or name[-1] not in SUITS for name in names):
        raise ValueError("a card is a rank (2 to 10, J, Q, K, A) and a suit (C, D, H, S)")
    ranks = sorted(RANKS.index(name[:-1]) for name in names)
    groups = sorted(Counter(ranks).values(), reverse=True)
    flush = len({name[-1] for name in names}) == 1
    wheel = ranks == [0, 1, 2, 3, 12]  # the ace may stand below the two
    straight = wheel or (len(groups) == 5 and ranks[4] - ranks[0] == 4)
    if flush and straight:
        return "royal flush" if ranks[0] == 8 else "straight flush"
    if groups[0] == 4:
        return "four of a kind"
    if groups == [3, 2]:
        return "full house"
    if flush or straight:
        return "flush" if flush else "straight"
    return {3: "three of a kind", 2: "two pair" if groups[:2] == [2, 2] else "one pair", 1: "high card"}[groups[0]]


def item_drop_chance(drop_rate_percent: float, attempts: int, copies: int = 1) -> float:
    """Calculate the chance to get a rare item drop within a number of attempts.

    Args:
        drop_rate_percent: Chance of the drop in one attempt, in percent.
        attempts: Number of attempts.
        copies: How many drops are wanted.

    Returns:
        The chance of at least that many drops, in percent.

    Raises:
        ValueError: The rate is not between 0 and 100 percent, or a count is not between 1 and 10,000.

    >>> item_drop_chance(5, 20)
    64.15
    """
    if not 0 <= drop_rate_percent <= 100:
        raise ValueError("drop_rate_percent must lie between 0 and 100")
    if not 1 <= attempts <= 10_000 or not 1 <= copies <= 10_000:
        raise ValueError("attempts and copies must lie between 1 and 10000")
    if drop_rate_percent in (0, 100):
        return 100.0 if drop_rate_percent == 100 and copies <= attempts else 0.0
    hit, miss = math.log(drop_rate_percent / 100), math.log1p(-drop_rate_percent / 100)

    def exactly(drops: int) -> float:
        # In logarithms, since the binomial coefficient itself would leave the range of a float.
        ways = math.lgamma(attempts + 1) - math.lgamma(drops + 1) - math.lgamma(attempts - drops + 1)
        return math.exp(ways + drops * hit + (attempts - drops) * miss)

    fewer = math.fsum(exactly(drops) for drops in range(min(copies, attempts + 1)))
    return round(100 * max(0.0, 1 - fewer), 2)


def chess_opening_name(opening_moves: str) -> Opening:
    """Name the chess opening that a game begins with.

    Args:
        opening_moves: First moves of the game in algebraic notation, for example "e4 e5 Nf3 Nc6 Bb5".

    Returns:
        The code of the Encyclopaedia of Chess Openings and the name of the longest opening that fits.

    Raises:
        ValueError: No opening of the table fits the moves.

    >>> chess_opening_name("1. d4 d5 2. c4 e6")
    {'eco_code': 'D30', 'name': "Queen's Gambit Declined"}
    """
    played = [move for move in (word.rpartition(".")[2] for word in opening_moves.split()) if move]
    game = " ".join(played) + " "
    fits = [opening.split(": ") for opening in OPENINGS if game.startswith(opening.split(": ")[1] + " ")]
    if not fits:
        raise ValueError(f"no opening is known that begins with {opening_moves!r}")
    code, _, name = max(fits, key=lambda fit: len(fit[1]))[0].partition(" ")
    return {"eco_code": code, "name": name}


def scrabble_word_score(word: str, word_bonus: Literal["none", "double word", "triple word"] = "none") -> int:
    """Calculate the points of a word in English Scrabble.

    Args:
        word: Word of the letters A to Z.
        word_bonus: Bonus square that the word lies on.

    Returns:
        The points.

    Raises:
        ValueError: The word has other signs than letters, or not 2 to 15 of them.

    >>> scrabble_word_score("quiz")
    22
    >>> scrabble_word_score("jumble", word_bonus="double word")
    34
    """
    letters = word.strip().upper()
    if not 2 <= len(letters) <= 15 or any(letter not in LETTER_POINTS for letter in letters):
        raise ValueError("word must have 2 to 15 letters from A to Z")
    return sum(LETTER_POINTS[letter] for letter in letters) * WORD_BONUS[word_bonus]


def d20_success_chance(
    difficulty: int, modifier: int, roll_mode: Literal["normal", "advantage", "disadvantage"] = "normal"
) -> float:
    """Calculate the chance to pass a check with a 20-sided die in a role-playing game.

    Args:
        difficulty: Number to reach or beat.
        modifier: Bonus or penalty that is added to the roll.
        roll_mode: One die, or the better (advantage) or worse (disadvantage) of two.

    Returns:
        The chance in percent.

    >>> d20_success_chance(15, 5)
    55.0
    >>> d20_success_chance(15, 5, roll_mode="advantage")
    79.75
    """
    chance = min(20, max(0, 21 + modifier - difficulty)) / 20
    if roll_mode == "advantage":
        chance = 1 - (1 - chance) ** 2
    elif roll_mode == "disadvantage":
        chance **= 2
    return round(100 * chance, 2)


def character_level(experience_points: int) -> CharacterLevel:
    """Find the level of a character in fifth-edition fantasy role-playing from its experience points.

    Args:
        experience_points: Points that the character has earned.

    Returns:
        The level from 1 to 20, the proficiency bonus, and the points missing for the next level, 0 at level 20.

    Raises:
        ValueError: The points are negative.

    >>> character_level(3000)
    {'level': 4, 'proficiency_bonus': 2, 'points_to_next_level': 3500}
    """
    if experience_points < 0:
        raise ValueError("experience_points must not be negative")
    level = sum(experience_points >= threshold for threshold in LEVEL_THRESHOLDS)
    missing = LEVEL_THRESHOLDS[level] - experience_points if level < len(LEVEL_THRESHOLDS) else 0
    return {"level": level, "proficiency_bonus": 2 + (level - 1) // 4, "points_to_next_level": missing}


def roulette_bet_odds(
    bet: Literal["single number", "split", "street", "corner", "dozen", "red or black"],
    stake: float,
    wheel: Literal["european", "american"] = "european",
) -> RouletteOdds:
    """Calculate the chance and the expected loss of a bet at roulette.

    Args:
        bet: Kind of bet.
        stake: Money that is bet.
        wheel: Wheel with one zero (European) or with two (American).

    Returns:
        The chance to win in percent, what is won on top of the stake, and what is lost on average.

    Raises:
        ValueError: The stake is not positive.

    >>> roulette_bet_odds("single number", 10)
    {'win_chance_percent': 2.7, 'possible_win': 350.0, 'expected_loss': 0.27}
    """
    if stake <= 0:
        raise ValueError("stake must be positive")
    numbers, pockets = ROULETTE_BETS[bet], 37 if wheel == "european" else 38
    return {
        "win_chance_percent": round(100 * numbers / pockets, 2),
        "possible_win": round(stake * (36 / numbers - 1), 2),
        "expected_loss": round(stake * (1 - 36 / pockets), 2),
    }
