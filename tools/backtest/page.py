"""A backtest as one HTML file that needs nothing else: `backtest.html`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from daemon.core import Side
from tools.backtest.charts import MARKS_MAX, Curve, Mark, chart
from tools.backtest.measuring import Fill, drawdown
from tools.backtest.metrics import Metrics, Total
from tools.backtest.run import Outcome
from tools.backtest.text import amount, per_cent, ratio, signed, when

COLOURS: Final = 6  # classes c0 to c5 of the style sheet; more strategies begin again
STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--dim:#5b6570;--rule:#e3e6ea;
--zero:#9aa4ae;--tile:#f5f7f9;--buy:#0b7d5a;--sell:#b8321f;--down:#b8321f;
--c0:#1f5fbf;--c1:#b35c00;--c2:#6b3fa0;--c3:#0b7d5a;--c4:#a8326f;--c5:#5b6570}
@media (prefers-color-scheme:dark){:root{--back:#14171b;--text:#e6e9ec;--dim:#9aa4ae;
--rule:#2a3038;--zero:#5b6570;--tile:#1d2228;--buy:#3fc796;--sell:#ff7b66;--down:#ff7b66;
--c0:#6ea8ff;--c1:#f0a35a;--c2:#b794f4;--c3:#3fc796;--c4:#f08abf;--c5:#9aa4ae}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 20px 48px;max-width:1040px;background:var(--back);
color:var(--text);font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:32px 0 6px}
h3{font-size:14px;margin:14px 0 2px;font-weight:600}
p{margin:4px 0}.dim,.none{color:var(--dim)}.bad{color:var(--down);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:18px 0}
.tile{background:var(--tile);border-radius:8px;padding:10px 12px}
.tile b{display:block;font-size:19px;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile span{color:var(--dim);font-size:13px}
svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:var(--dim)}
.grid{stroke:var(--rule);stroke-width:1}.zero{stroke:var(--zero);stroke-width:1}
.line{fill:none;stroke-width:1.5;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.area{stroke:none;opacity:.18}
.total{stroke:var(--text);stroke-width:2}.price{stroke:var(--dim);stroke-width:1.1}
.line.down{stroke:var(--down)}.area.down{fill:var(--down)}
.line.held{stroke:var(--c0)}.area.held{fill:var(--c0)}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}
.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
.buy{fill:var(--buy)}.sell{fill:var(--sell)}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--dim)}
.key svg{width:22px;height:10px;display:inline-block;margin-right:6px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:6px 0}
th,td{padding:4px 10px 4px 0;text-align:right;white-space:nowrap;
border-bottom:1px solid var(--rule)}
th{color:var(--dim);font-weight:500}.name{text-align:left}
"""
MODEL: Final = """
An order reaches the venue after the order latency and is matched there by the recorded market: it
takes the quantity that the book shows, level by level and once, or waits behind all quantity shown
at its price and is filled by recorded trades that reach it, or by a book that crosses it. The
market does not react to our orders, so fills of sizes that are large beside the book are
optimistic. A turn takes no time: what a strategy decides, it decides at the moment of the message.
"""


def page_of(outcome: Outcome) -> str:
    """The whole document."""
    metrics = outcome.metrics
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>Backtest of {escape(metrics.name)}</title>",
        f"<style>{STYLE}</style></head><body>",
        *_head(outcome),
        *_tiles(metrics),
        *_equity(outcome),
        *_instruments(outcome),
        *_tables(metrics),
        *_notes(metrics),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(outcome: Outcome) -> Iterable[str]:
    metrics = outcome.metrics
    yield f"<h1>Backtest of {escape(metrics.name)}</h1>"
    yield (
        f'<p class="dim">{when(metrics.begin)} to {when(metrics.end)} UTC, '
        f"{metrics.seconds:,.1f} s of recorded time, {metrics.messages:,} messages; "
        f"log: {escape(str(outcome.log))}</p>"
    )
    for reason in metrics.failed:
        yield f'<p class="bad">{escape(reason)}</p>'


def _tiles(metrics: Metrics) -> Iterable[str]:
    total, currency = metrics.total, metrics.currency
    tiles = [
        (f"net, {currency}", signed(total.net_in_currency)),
        (f"fees in it, {currency}", amount(total.fees_in_currency)),
        (f"largest drawdown, {currency}", amount(total.max_drawdown_in_currency)),
        (f"Sharpe a year, {metrics.sampling.interval_ms:,} ms samples", ratio(total.sharpe)),
        (f"turnover, {currency}", amount(total.turnover_in_currency)),
        ("orders, denied", f"{total.orders:,}, {total.denied:,}"),
        ("fills, passive", f"{total.fills:,}, {total.passive_fills:,}"),
        ("fill ratio", per_cent(total.fill_ratio)),
        ("hit ratio", per_cent(total.hit_ratio)),
        ("time with a position", per_cent(total.exposure.share)),
    ]
    yield '<div class="tiles">'
    for label, value in tiles:
        yield f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
    yield "</div>"


# ------------------------------------------------------------------ charts


def _equity(outcome: Outcome) -> Iterable[str]:
    samples, metrics = outcome.samples, outcome.metrics
    unit = float(samples.unit)
    curves = [
        Curve(total.strategy, f"c{number % COLOURS}", [each * unit for each in values])
        for number, (total, values) in enumerate(
            zip(metrics.strategies, samples.equity_of, strict=True)
        )
    ]
    whole = Curve("all", "total", [each * unit for each in samples.equity])
    shown = [*curves, whole] if len(curves) > 1 else [whole]
    yield f"<h2>Equity</h2><p class='dim'>realised + unrealised - fees, {metrics.currency}</p>"
    yield _key([(curve.name, curve.style) for curve in shown])
    yield chart("equity over time", samples.times, shown, unit=metrics.currency, height=260)
    yield f"<h2>Drawdown</h2><p class='dim'>below the highest so far, {metrics.currency}</p>"
    below = Curve(
        "drawdown", "down", [-each * unit for each in drawdown(samples.equity)], filled=True
    )
    yield chart("drawdown over time", samples.times, [below], unit=metrics.currency, height=150)


def _key(entries: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<span><svg viewBox="0 0 22 10"><path class="line {style}" d="M0,5L22,5"/></svg>'
        f"{escape(name)}</span>"
        for name, style in entries
    )
    return f'<div class="key">{lines}</div>'


def _instruments(outcome: Outcome) -> Iterable[str]:
    samples = outcome.samples
    for number in samples.traded:
        instrument = samples.instruments[number]
        fills = sorted(
            (fill for (_, of), tally in outcome.logged.tallies.items() if of == number
             for fill in tally.fills),
            key=lambda fill: fill.ts,
        )  # fmt: skip
        symbol = escape(instrument.symbol)
        yield f"<h2>{symbol}</h2>"
        yield f"<h3>Fills on price, {instrument.quote_currency}</h3>"
        yield _fills_key(fills)
        marks = [_mark(outcome, fill) for fill in fills]
        price = Curve("middle of the book", "price", samples.prices[number])
        yield chart(
            f"price of {instrument.symbol} with our fills",
            samples.times,
            [price],
            unit=instrument.quote_currency,
            marks=marks,
            height=280,
            with_zero=False,
        )
        held = Curve("position", "held", samples.positions[number], step=True, filled=True)
        yield f"<h3>Position, {symbol}</h3>"
        yield chart(
            f"position in {instrument.symbol}", samples.times, [held], unit="quantity", height=130
        )


def _fills_key(fills: Sequence[Fill]) -> str:
    bought = sum(fill.side == Side.BUY for fill in fills)
    said = (
        f'<span><svg viewBox="0 0 22 10"><polygon class="buy" points="11,1 7,9 15,9"/></svg>'
        f"{bought:,} bought</span>"
        f'<span><svg viewBox="0 0 22 10"><polygon class="sell" points="11,9 7,1 15,1"/></svg>'
        f"{len(fills) - bought:,} sold</span>"
    )
    if len(fills) > MARKS_MAX:
        said += f"<span>one in {-(-len(fills) // MARKS_MAX)} is drawn</span>"
    return f'<div class="key">{said}</div>'


def _mark(outcome: Outcome, fill: Fill) -> Mark:
    instrument = outcome.samples.instruments[fill.instrument]
    buys = fill.side == Side.BUY
    price, qty = instrument.price_of(fill.px), instrument.qty_of(fill.qty)
    how = "passive" if fill.passive else "aggressive"
    strategy = outcome.metrics.strategies[fill.strategy].strategy
    said = f"{when(fill.ts)} {strategy} {fill.side.name} {qty:f} at {price:f}, {how}"
    return Mark(fill.ts, float(price), "buy" if buys else "sell", buys, said)


# ------------------------------------------------------------------ tables


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """The first `names` columns are text, the others numbers."""

    def cells(tag: str, row: Sequence[str]) -> str:
        styles = ['class="name"' if at < names else 'class="number"' for at in range(len(row))]
        return "".join(
            f"<{tag} {style}>{escape(cell)}</{tag}>"
            for style, cell in zip(styles, row, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells("th", titles)}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _tables(metrics: Metrics) -> Iterable[str]:
    currency = metrics.currency
    yield "<h2>Orders by strategy and instrument</h2>"
    titles = ["strategy", "instrument", "orders", "denied", "cancels", "replaces", "fills",
              "passive", "fill ratio", "hit ratio", "bought", "sold", "position",
              "time held"]  # fmt: skip
    yield _table(titles, [
        [row.strategy, row.symbol, f"{row.orders:,}", f"{row.denied:,}", f"{row.cancels:,}",
         f"{row.replaces:,}", f"{row.fills:,}", f"{row.passive_fills:,}",
         per_cent(row.fill_ratio), per_cent(row.hit_ratio), f"{row.bought:,f}", f"{row.sold:,f}",
         f"{row.position:,f}", per_cent(row.exposure.share)]
        for row in metrics.rows
    ], names=2)  # fmt: skip
    yield "<h2>Money by strategy and instrument</h2>"
    titles = ["strategy", "instrument", "in", "turnover", "fees", "realised", "unrealised", "net",
              f"net, {currency}"]  # fmt: skip
    yield _table(titles, [
        [row.strategy, row.symbol, row.currency, f"{row.turnover:,f}", f"{row.fees:,f}",
         f"{row.realised:+,f}", f"{row.unrealised:+,f}", f"{row.net:+,f}",
         signed(row.net_in_currency)]
        for row in metrics.rows
    ], names=3)  # fmt: skip
    yield f"<h2>Strategies</h2><p class='dim'>money in {currency}</p>"
    titles = ["strategy", "net", "fees", "realised", "unrealised", "turnover", "largest drawdown",
              "Sharpe a year", "orders", "fills", "hit", "time held"]  # fmt: skip
    yield _table(titles, [_total_cells(each) for each in [*metrics.strategies, metrics.total]])
    yield "<h2>Denied by the gate</h2>"
    denied = [
        [each.strategy, reason, f"{count:,}"]
        for each in metrics.strategies
        for reason, count in each.denied_by.items()
    ]
    if denied:
        yield _table(["strategy", "reason", "requests"], denied, names=2)
    else:
        yield '<p class="none">nothing</p>'
    yield "<h2>Books</h2>"
    titles = ["instrument", "state at the end", "updates", "trades", "snapshots wanted",
              "compared with the venue's best prices", "different"]  # fmt: skip
    yield _table(titles, [
        [book.symbol, book.state, f"{book.updates:,}", f"{book.trades:,}",
         f"{book.snapshots_wanted:,}", f"{book.compared:,}", f"{book.different:,}"]
        for book in metrics.books
    ], names=2)  # fmt: skip


def _total_cells(total: Total) -> list[str]:
    return [
        total.strategy or "all",
        signed(total.net_in_currency),
        amount(total.fees_in_currency),
        signed(total.realised_in_currency),
        signed(total.unrealised_in_currency),
        amount(total.turnover_in_currency),
        amount(total.max_drawdown_in_currency),
        ratio(total.sharpe),
        f"{total.orders:,}",
        f"{total.fills:,}",
        per_cent(total.hit_ratio),
        per_cent(total.exposure.share),
    ]


def _notes(metrics: Metrics) -> Iterable[str]:
    yield f"<h2>What is assumed</h2><p>{MODEL.strip()}</p>"
    sampling = metrics.sampling
    yield (
        f"<p>Equity is sampled every {sampling.interval_ms:,} ms of recorded time "
        f"({sampling.samples:,} samples), drawdown and Sharpe are of these; Sharpe is scaled to a "
        f"year of 365 days of samples ({sampling.samples_a_year:,.0f}), without an interest rate. "
        f"Other currencies count in {escape(metrics.currency)} at the configuration's rates.</p>"
    )
