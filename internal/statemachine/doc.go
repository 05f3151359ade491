// Package statemachine runs random sequences of operations against the stores and against a
// plain model of them, and compares: what each call returns, what every handle shows after each
// step, whom the stores tell of ended sessions, and what is there after a crash. It is a module
// of its own, so that the library does not inherit the one that draws and shrinks the sequences.
//
//	go -C internal/statemachine test                                # a few seconds
//	go -C internal/statemachine test -timeout 2h -rapid.checks 20000
//
// A failure is printed as the shortest sequence found that shows it, and written to
// testdata/rapid, from where the next run repeats it.
package statemachine
