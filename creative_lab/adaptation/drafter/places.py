"""Parts of countries and time zones that a script can only mean in its own country."""

from __future__ import annotations

import re

_PARTS = {
    "US": (
        "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Hawaii|Idaho|Illinois|Indiana|Iowa|"
        "Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|"
        "Nevada|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|"
        "Pennsylvania|"
        "Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|West Virginia|Wisconsin|"
        "Wyoming|"
        "Los Angeles|Chicago|Boston|Miami|Seattle|Midwest|New England"
    ),
    "GB": "England|Scotland|Wales|Northern Ireland|London|Manchester|Birmingham|Glasgow|Cornwall|Yorkshire|the "
          "Midlands",
    "CA": "Ontario|Quebec|British Columbia|Alberta|Manitoba|Saskatchewan|Nova Scotia|New Brunswick|Newfoundland|"
          "Yukon|Toronto",
    "AU": "New South Wales|Queensland|Tasmania|South Australia|Western Australia|Northern Territory|Sydney|"
          "Melbourne|Perth",
    "NZ": "Auckland|Wellington|Christchurch|Otago|Waikato|Northland|Canterbury",
    "ZA": "Gauteng|KwaZulu-Natal|Western Cape|Eastern Cape|Free State|Limpopo|Mpumalanga|Johannesburg|Cape Town|Durban",
    "IE": "Dublin|Cork|Galway|Limerick|Kerry|Donegal|Connacht|Munster|Leinster|Ulster",
    "IN": "Maharashtra|Kerala|Gujarat|Rajasthan|Punjab|Tamil Nadu|Karnataka|Mumbai|Delhi|Bengaluru|Kolkata|Chennai",
}  # fmt: skip
_ZONES = re.compile(
    r"(?<=m)\.? (?:[ECMP][SD]?T|Eastern|Central|Pacific|Mountain|AEST|AEDT|GMT|BST|IST|SAST)\b", re.IGNORECASE
)


def foreign(text: str, origin: str | None, target: str | None) -> list[str]:
    """Parts of the origin's country and time zones named in ``text``, for another country to replace."""
    if not origin or origin == target:
        return []
    found = re.findall(rf"\b(?:{_PARTS[origin]})\b", text) if origin in _PARTS else []
    found += [match.group(0).strip(" .") for match in _ZONES.finditer(text)]
    return list(dict.fromkeys(found))
