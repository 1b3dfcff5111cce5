import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `network`, `device` and `raw` are shared by these tests
