package report

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// logarithmic returns the plot with both axes so, and room for the legend; nil when it is empty.
func (c *chart) logarithmic() *plot.Plot {
	if c.empty {
		return nil
	}
	c.X.Scale, c.Y.Scale = plot.LogScale{}, plot.LogScale{}
	c.X.Tick.Marker, c.Y.Tick.Marker = plot.TickerFunc(ticks), plot.TickerFunc(ticks)
	c.X.Min, c.X.Max = c.least.X/1.1, c.most.X*1.1
	c.Y.Min, c.Y.Max = c.least.Y/1.3, c.most.Y*1.3
	if c.most.X/c.least.X < 4 {
		c.X.Max = c.X.Min * 4
	}
	if c.most.Y/c.least.Y < 4 {
		c.Y.Max = c.Y.Min * 4
	}
	c.room()
	return c.Plot
}

// room makes the x axis longer, so that the legend has a part to itself.
func (c *chart) room() {
	const share = 0.27 // of the width
	c.X.Max = math.Exp(math.Log(c.X.Min) + math.Log(c.X.Max/c.X.Min)/(1-share))
}

// ticks are at 1, 2 and 5 of each power of ten, only at the powers when there are many.
func ticks(least, most float64) (ticks []plot.Tick) {
	steps := []float64{1, 2, 5}
	if most/least > 5e3 {
		steps = steps[:1]
	}
	for power := math.Floor(math.Log10(least)); power <= math.Log10(most); power++ {
		for _, step := range steps {
			if v := step * math.Pow(10, power); v >= least && v <= most {
				ticks = append(ticks, plot.Tick{Value: v, Label: tickLabel(v)})
			}
		}
	}
	return ticks
}

func tickLabel(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 6, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 6, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// broken puts each word of names on a line of its own.
func broken(names []string) (lines []string) {
	for _, name := range names {
		lines = append(lines, strings.ReplaceAll(name, " ", "\n"))
	}
	return lines
}
