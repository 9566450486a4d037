"""Words, books, universities and courses."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from examples.rest_service.database import Database, known, one, several

router = APIRouter()


class Definition(BaseModel):
    """What a word means."""

    word: str
    part: str
    definition: str


class University(BaseModel):
    """A university."""

    university: str
    city: str
    founded: int


class Book(BaseModel):
    """A book and the year in which it came out."""

    title: str
    author: str
    year: int


class Course(BaseModel):
    """A course."""

    title: str
    level: str
    weeks: int


@router.get("/words/{word}")
async def word_definition(
    word: Annotated[str, Path(description="English word.", json_schema_extra=known("word", "word"))], database: Database
) -> Definition:
    """Get the definition of a word."""
    return Definition(**one(database, "SELECT * FROM word WHERE word = ?", word))


@router.get("/universities/{university}")
async def university_founding_year(
    university: Annotated[str, Path(description="Name of the university.", json_schema_extra=known("university"))],
    database: Database,
) -> University:
    """Get the year in which a university was founded, and its city."""
    query = "SELECT name AS university, city, founded FROM university WHERE name = ?"
    return University(**one(database, query, university))


@router.get("/books/{title}")
async def book_author(
    title: Annotated[str, Path(description="Title of the book.", json_schema_extra=known("book", "title"))],
    database: Database,
) -> Book:
    """Get the author of a book."""
    return Book(**one(database, "SELECT * FROM book WHERE title = ?", title))


@router.get("/courses")
async def course_search(
    subject: Annotated[str, Query(description="Subject.", json_schema_extra=known("course", "subject"))],
    database: Database,
    level: Annotated[Literal["beginner", "intermediate", "advanced"] | None, Query(description="Level.")] = None,
) -> list[Course]:
    """Search courses on a subject."""
    query = "SELECT title, level, weeks FROM course WHERE subject = ?1 AND (?2 IS NULL OR level = ?2) ORDER BY weeks"
    return [Course(**row) for row in several(database, query, subject, level)]
