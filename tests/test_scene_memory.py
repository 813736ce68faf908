from __future__ import annotations

import numpy as np

from kseg_video import SegmenterSettings
from kseg_video.clustering import ColdFits
from kseg_video.clusters import Clusters
from kseg_video.scenes import Scenes


def test_a_scene_comes_back_that_had_more_clusters_than_the_one_it_follows() -> None:
    many = np.array([(10, 10, 10), (90, 0, 0), (0, 160, 0), (0, 0, 200), (250,) * 3], np.float32)
    colors, few = many.repeat(50, axis=0), many[:3] + 30
    scenes = Scenes(ColdFits(SegmenterSettings(n_clusters=5)), reach=24)
    scenes.begin(colors, Clusters.settled(colors, many), set())
    back = scenes.begin(colors, Clusters.settled(colors, few), {4})
    assert np.array_equal(back.centroids, many)
