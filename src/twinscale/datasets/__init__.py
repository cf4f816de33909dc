"""Named sets of pictures: which there are, where they are, how to get them."""

from twinscale.datasets.fetch import get as get
from twinscale.datasets.find import dataset_name as dataset_name
from twinscale.datasets.find import find_pictures as find_pictures
from twinscale.datasets.sets import CatalogueEntry as CatalogueEntry
from twinscale.datasets.sets import Dataset as Dataset
from twinscale.datasets.sets import catalogue as catalogue
