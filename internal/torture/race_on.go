//go:build linux && race

package main

// raced: this program was built with the race detector.
const raced = true
