package report

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// legendShare is how much of the width is the legend's.
const legendShare = 0.27

// logarithmic returns the plot with both axes so; nil when it is empty.
func (c *chart) logarithmic() *plot.Plot {
	if c.empty {
		return nil
	}
	c.logarithmicY()
	c.X.Scale, c.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(ticks)
	c.X.Min = c.least.X / 1.1
	c.X.Max = c.X.Min * math.Pow(max(4, c.most.X*1.1/c.X.Min), 1/(1-legendShare))
	return c.Plot
}

// overTime returns the plot with time from 0 on the x axis; nil when it is empty.
func (c *chart) overTime() *plot.Plot {
	if c.empty {
		return nil
	}
	c.logarithmicY()
	c.X.Min, c.X.Max = 0, max(0.01, c.most.X)/(1-legendShare)
	return c.Plot
}

func (c *chart) logarithmicY() {
	c.Y.Scale, c.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(ticks)
	c.Y.Min = c.least.Y / 1.3
	c.Y.Max = max(c.most.Y*1.3, c.Y.Min*4)
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
