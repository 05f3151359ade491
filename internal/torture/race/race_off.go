//go:build linux && !race

package race

// raced: this program was built with the race detector.
const raced = false
