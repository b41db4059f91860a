"""Which words in a lab's picture nobody can read: for the tests of every unit's labs."""

from matplotlib.text import Text
from matplotlib.transforms import Bbox

from course.labs.picture import Picture


def unreadable(lab):
    """The words that are cut off by the picture's edge, run into the next panel's frame, or lie under an image."""
    renderer, (width, height) = lab.view.canvas.get_renderer(), lab.size
    panels, lost = lab.view._panels.values(), []
    for panel in panels:
        artists = {name: panel._artists[name] for name in panel._touched}
        words = {name: artist for name, artist in artists.items() if isinstance(artist, Text)}
        others = [other.axes.bbox for other in panels if other is not panel]
        images = [Bbox([(x0, y0), (x1, y1)]).transformed(panel.axes.transData) for x0, x1, y0, y1 in
                  (image.extent for image in artists.values() if isinstance(image, Picture))]
        for name, artist in {**words, "title": panel.axes._left_title}.items():
            box = artist.get_window_extent(renderer)
            under = images if name in panel._stills else []  # what moves is painted over what stands still
            if artist.get_text() and (box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1 or
                                      any(box.overlaps(other) for other in (*others, *under))):
                lost.append(artist.get_text())
    return lost
