import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `worlds` is shared by these tests and the store's
