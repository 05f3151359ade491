package main

// sparks are the heights of a sparkline. The first is for nothing at all.
var sparks = []rune(" ▁▂▃▄▅▆▇█")

// sparkline draws numbers as columns of one character each, the greatest in full height; no more
// than width of them, the last ones. What is not nothing is to be seen.
func sparkline(numbers []float64, width int) string {
	if len(numbers) > width {
		numbers = numbers[len(numbers)-max(0, width):]
	}
	most := 0.0
	for _, n := range numbers {
		most = max(most, n)
	}
	line := make([]rune, len(numbers))
	for i, n := range numbers {
		height := 0
		if n > 0 {
			height = max(1, int(n/most*float64(len(sparks)-1)+0.5))
		}
		line[i] = sparks[height]
	}
	return string(line)
}
