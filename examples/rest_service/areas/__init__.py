"""The areas of the almanac, by the tag that their operations carry: one of the paper's 21 categories each."""

from fastapi import APIRouter

from examples.rest_service.areas import (
    arts,
    environment,
    finance,
    learning,
    life,
    office,
    science,
    shop,
    sports,
    technology,
    travel,
)

AREAS: dict[str, tuple[APIRouter, ...]] = {
    "Business": (office.business,),
    "Commerce": (shop.router,),
    "Communication": (office.communication,),
    "Education": (learning.router,),
    "Entertainment": (arts.films,),
    "Environment": (environment.router,),
    "Finance": (finance.router,),
    "Health": (life.health,),
    "Lifestyle": (life.home,),
    "Music": (arts.music,),
    "Science": (science.router,),
    "Sports": (sports.router,),
    "Technology": (technology.router,),
    "Travel": (travel.router,),
}
"""Routers by tag."""
