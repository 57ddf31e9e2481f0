"""Numbers as a person reads them, rounded only in the direction that claims less.

A share or a rate of success is rounded down, a p-value or a rate of error up, an interval outwards.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_TENTH = Decimal("0.1")
_SMALLEST_P = Decimal("0.0001")
_SIGNIFICANT = 2


def count(number: int | None) -> str:
    """Return a count with thousands separators, or that it is unknown."""
    return "unknown" if number is None else f"{number:,}"


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage, rounded down to a tenth: `3.4%`, `< 0.1%`, and `100%` only for 1."""
    tenths = _tenths(share, ROUND_FLOOR)
    return "< 0.1%" if share > 0 and not tenths else f"{_short(tenths)}%"


def percent_interval(low: float, high: float) -> str:
    """Return an interval of shares as `81.2 to 92.5%`, rounded outwards to tenths."""
    return f"{_short(_tenths(low, ROUND_FLOOR))} to {_short(_tenths(high, ROUND_CEILING))}%"


def error_rate(rate: float) -> str:
    """Return a rate of error in [0, 1] as a percentage, rounded up to two significant digits."""
    return f"{_plain(_up(_exact(rate) * 100))}%"


def p_value(value: float) -> str:
    """Return a p-value rounded up to two significant digits; `< 0.0001` only where that is true."""
    exact = _exact(value)
    return "< 0.0001" if exact < _SMALLEST_P else _plain(_up(exact))


def p_equation(value: float) -> str:
    """Return `p = 0.0004`, or `p < 0.0001` where that is true."""
    text = p_value(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _exact(value: float) -> Decimal:
    # The shortest decimal that means this float: 0.29 stays 0.29, so that a floor does not make 28.9 % of it.
    return Decimal(repr(float(value)))


def _tenths(share: float, rounding: str) -> Decimal:
    return (_exact(share) * 100).quantize(_TENTH, rounding=rounding)


def _up(value: Decimal) -> Decimal:
    if not value:
        return value
    unit = Decimal((0, (1,), value.adjusted() - _SIGNIFICANT + 1))
    return value.quantize(unit, rounding=ROUND_CEILING)


def _short(tenths: Decimal) -> str:
    # The bounds are exact; everything between keeps its tenth, so that columns align.
    return str(tenths.to_integral_value()) if tenths in (0, 100) else f"{tenths:f}"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
