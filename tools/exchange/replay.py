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
# As fast as possible means as fast as the slowest client reads: half of its queue may wait.
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

    async def play(self) -> None:
        """Until the last line; begins with the first subscription where so configured."""
        if self._capture.start == "client":
            await self._server.subscribed.wait()
        self._exchange.start_capture()
        room = int(self._server.queue_max * QUEUE_SHARE)
        while not self._exchange.capture_ended():
            self._captures.refill()
            messages = self._exchange.advance(LINES_PER_TURN)
            self._server.publish(messages)
            self._exchange.poll()
            hurry = messages and self._server.queued <= room
            await asyncio.sleep(0 if hurry else PAUSE_SECONDS)


def made_from(config: Config, exchange: Exchange) -> Replay | None:
    """The replay that the configuration asks for, None for a market of agents."""
    if config.capture is None or config.binance is None:
        return None
    return Replay(exchange, config.capture, config.binance, config.instrument)
