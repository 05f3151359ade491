package main

import "os"

// isTerminal says whether a stream of a command is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, ok = terminalWidth(f)
	return ok
}

// lineWidth returns how long lines to a stream may be: as wide as the terminal, and 0, any
// length, where it is none.
func lineWidth(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _ := terminalWidth(f)
	return width
}
