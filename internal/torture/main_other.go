//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "torture: kills, traces and file systems are Linux's; run it there")
	os.Exit(3)
}
