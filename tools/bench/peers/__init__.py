"""Programs that run peers, each with the interpreter of build/peers-venv and none of our modules.

`tools/bench/beside.py` runs them; `protocol` is what both sides speak.
"""
