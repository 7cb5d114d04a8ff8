"""What `import plateaus as pl` offers; the package imports each name from here when it is used."""

from plateaus import errors as errors
from plateaus import evidence as evidence
from plateaus import experiments as experiments
from plateaus import figures as figures
from plateaus import results as results
from plateaus.book.chapter import open_chapter as open_chapter
from plateaus.experiments.ends import Ends as Ends
from plateaus.geometry import bounds as bounds
from plateaus.geometry import exact as exact
from plateaus.geometry import minimax as minimax
from plateaus.geometry import paths as paths
from plateaus.geometry.height import Height as Height
from plateaus.geometry.plateau import Plateau as Plateau
from plateaus.measures import curves as curves
from plateaus.measures import dynamics as dynamics
from plateaus.measures import jacobians as jacobians
from plateaus.measures import statistics as statistics
from plateaus.networks import interventions as interventions
from plateaus.networks.embedded import embedded_names as embedded_names
from plateaus.networks.load import device as device
from plateaus.networks.load import load as load
from plateaus.networks.modules import from_modules as from_modules
from plateaus.networks.network import Network as Network
from plateaus.networks.residual import PlainMLP as PlainMLP
from plateaus.networks.residual import ResidualMLP as ResidualMLP
from plateaus.networks.residual import network as network
from plateaus.rules import listing as listing
from plateaus.rules import one_of as one_of
from plateaus.rules import real as real
from plateaus.rules import text as text
from plateaus.rules import whole as whole

__version__: str
