"""What several tests here share: *_testing.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
