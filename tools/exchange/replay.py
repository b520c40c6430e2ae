"""Plays a capture: recorded lines in, messages to the subscribers out, at the configured pace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tools.exchange.binance_server import BinanceServer
from tools.exchange.captures import Captures
from tools.exchange.configuration import Binance, Capture, Config, Instrument

if TYPE_CHECKING:
    from daemon.core import Exchange

LINES_PER_TURN = 2000
# As fast as possible means as fast as the slowest client reads. Little may wait, never more than
# half of its queue: an order meets the market at the newest line, not at the one its sender saw.
WAITING_MAX = 256
QUEUE_SHARE = 0.5
PAUSE_SECONDS = 0.001


class Replay:
    """One recorded market and the server that publishes it."""

    def __init__(
        self,
        exchange: Exchange,
        capture: Capture,
        binance: Binance,
        instruments: list[Instrument],
    ) -> None:
        folder = Path(capture.folder)
        names = [(made.market, made.feed_symbol or made.symbol) for made in instruments]
        self._exchange = exchange
        self._capture = capture
        self._binance = binance
        self._captures = Captures(
            exchange, [[folder / name for name in made.captures] for made in instruments]
        )
        self._server = BinanceServer(exchange, names, binance.queue_messages_max, capture.clients)

    @property
    def ends_process(self) -> bool:
        """The end of the capture is the end of the process."""
        return self._capture.at_end == "exit"

    async def start(self) -> int:
        """Listen; returns the port."""
        self._captures.refill()
        return await self._server.start(self._binance.host, self._binance.port)

    async def stop(self) -> None:
        await self._server.stop()

    @property
    def progress(self) -> float:
        """How much of the captures was read, 0 to 1."""
        return self._captures.progress

    def _lines_now(self) -> int:
        """How many may be read now. At a pace the market waits for nobody."""
        if self._capture.speed > 0:
            return LINES_PER_TURN
        room = min(WAITING_MAX, int(self._server.queue_max * QUEUE_SHARE)) - self._server.queued
        return max(0, room)

    async def play(self) -> None:
        """Until every client has read the last line; begins with as many subscriptions as
        configured."""
        if self._capture.start == "client":
            await self._server.subscribed.wait()
        self._exchange.start_capture()
        while not self._exchange.capture_ended():
            self._captures.refill()
            messages = self._exchange.advance(self._lines_now())
            self._server.publish(messages)
            self._exchange.poll()
            await asyncio.sleep(0 if messages else PAUSE_SECONDS)
        await self._server.all_read()


def made_from(config: Config, exchange: Exchange) -> Replay | None:
    """The replay that the configuration asks for, None for a market of agents."""
    if config.capture is None or config.binance is None:
        return None
    return Replay(exchange, config.capture, config.binance, config.instrument)
