package report

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

const (
	width  = 20 * vg.Centimeter
	height = 12 * vg.Centimeter
)

// chart is a plot in the one look that all have. Its background is white, so that it reads the same
// on a dark page.
type chart struct {
	*plot.Plot
	least, most result.Point // of all points
	empty       bool
}

func newChart(title, x, y string) *chart {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(13), vg.Points(10)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size, a.Tick.Label.Font.Size = vg.Points(11), vg.Points(10)
		a.Label.Padding = vg.Points(5)
	}
	p.Legend.TextStyle.Font.Size = vg.Points(10)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(3)
	p.Legend.ThumbnailWidth, p.Legend.XOffs = vg.Points(24), vg.Points(-4)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return &chart{Plot: p, empty: true}
}

// looks are of the peers, distinct also without colours.
func look(name string) (c color.RGBA, shape draw.GlyphDrawer, dashes []vg.Length) {
	switch name {
	case peer.Ours:
		return color.RGBA{R: 0xc0, G: 0x10, B: 0x30, A: 255}, draw.CircleGlyph{}, nil
	case peer.SQLite, peer.SQLiteIdle:
		return color.RGBA{R: 0x10, G: 0x60, B: 0xb0, A: 255}, draw.SquareGlyph{}, nil
	case peer.Bolt, peer.BoltIdle:
		return color.RGBA{R: 0x20, G: 0x88, B: 0x40, A: 255}, draw.TriangleGlyph{}, nil
	case peer.Iris:
		return color.RGBA{R: 0x80, G: 0x40, B: 0xa0, A: 255}, draw.PyramidGlyph{}, nil
	case peer.Gorilla:
		return color.RGBA{R: 0xd0, G: 0x80, B: 0x10, A: 255}, draw.CrossGlyph{}, []vg.Length{vg.Points(6), vg.Points(3)}
	}
	gray := color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 255}
	if name == peer.RawPut {
		return gray, draw.PlusGlyph{}, []vg.Length{vg.Points(2), vg.Points(2)}
	}
	return gray, draw.RingGlyph{}, []vg.Length{vg.Points(2), vg.Points(2)}
}

// line adds a peer's points, joined.
func (c *chart) line(name string, points []result.Point) error {
	if len(points) == 0 {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(c.points(points))
	if err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	colour, shape, dashes := look(name)
	line.Color, line.Dashes, line.Width = colour, dashes, vg.Points(1.6)
	marks.Color, marks.Shape, marks.Radius = colour, shape, vg.Points(3.2)
	c.Add(line, marks)
	c.Legend.Add(label(name), line, marks)
	return nil
}

// dots adds a peer's points alone.
func (c *chart) dots(name string, points []result.Point) error {
	if len(points) == 0 {
		return nil
	}
	marks, err := plotter.NewScatter(c.points(points))
	if err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	marks.Color, marks.Shape, _ = look(name)
	marks.Radius = vg.Points(1.8)
	if len(points) < 100 {
		marks.Radius = vg.Points(4) // the few of a peer that stands still are what it is about
	}
	c.Add(marks)
	c.Legend.Add(label(name), marks)
	return nil
}

// bars returns the plot with a bar for each name, and its value over it.
func (c *chart) bars(names []string, values []float64) (*plot.Plot, error) {
	if len(names) == 0 {
		return nil, nil
	}
	texts := plotter.XYLabels{}
	for i, name := range names {
		bar, err := plotter.NewBarChart(plotter.Values{values[i]}, vg.Points(34))
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", name, err)
		}
		bar.Color, _, _ = look(name)
		bar.XMin, bar.LineStyle.Width = float64(i), 0
		c.Add(bar)
		texts.XYs = append(texts.XYs, plotter.XY{X: float64(i), Y: values[i]})
		texts.Labels = append(texts.Labels, fmt.Sprintf("%.0f", values[i]))
		c.Y.Max = max(c.Y.Max, values[i]*1.1)
	}
	over, err := plotter.NewLabels(texts)
	if err != nil {
		return nil, err
	}
	for i := range over.TextStyle {
		over.TextStyle[i].XAlign, over.TextStyle[i].Font.Size = draw.XCenter, vg.Points(10)
	}
	over.Offset.Y = vg.Points(3)
	c.Add(over)
	c.NominalX(broken(names)...)
	c.Y.Min, c.X.Min, c.X.Max = 0, -0.6, float64(len(names))-0.4
	return c.Plot, nil
}

// label is what the legend calls a peer.
func label(name string) string {
	switch name {
	case peer.Gorilla:
		return name + " (not synced)"
	case peer.RawPut, peer.RawSync:
		return "bare " + name
	}
	return name
}

// points notes the bounds, and returns the points as the library wants them.
func (c *chart) points(points []result.Point) (xys plotter.XYs) {
	for _, p := range points {
		if c.empty {
			c.least, c.most, c.empty = p, p, false
		}
		c.least = result.Point{X: min(c.least.X, p.X), Y: min(c.least.Y, p.Y)}
		c.most = result.Point{X: max(c.most.X, p.X), Y: max(c.most.Y, p.Y)}
		xys = append(xys, plotter.XY{X: p.X, Y: p.Y})
	}
	return xys
}

// save writes a plot as SVG.
func save(p *plot.Plot, path string) error {
	canvas := vgsvg.New(width, height)
	const edge = 0.3 * vg.Centimeter
	p.Draw(draw.Crop(draw.New(canvas), edge, -edge, edge, -edge))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}
