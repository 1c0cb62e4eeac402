"""fieldreport: a newsroom's letterbox, reading room and press for sources who cannot give their names.

The principle behind every module: the machine that receives cannot read, and the machine that reads receives
nothing from strangers. Packages and the direction of imports between them are listed in ``pyproject.toml`` under
``tool.importlinter`` and held there.
"""
