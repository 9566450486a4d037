"""Dice, cards, chess and chances in games."""

import math
from collections import Counter
from fractions import Fraction
from typing import Literal, TypedDict

CATEGORY = "Gaming"

__all__ = [
    "blackjack_hand_value",
    "chess_piece_moves",
    "dice_sum_probability",
    "item_drop_chance",
    "poker_hand_rank",
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


class BlackjackHand(TypedDict):
    """The worth of a hand."""

    value: int
    soft: bool
    bust: bool


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
