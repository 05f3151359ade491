// Command torture tries to break what the README promises: with kills, power cuts, failing disks,
// damaged files, races and hostile clients. It drives the public API, in processes of their own.
//
//	go run ./internal/torture all            every technique at its full figure
//	go run ./internal/torture kill power     some of them
//	go run ./internal/torture all -quick     the size that CI runs
//	go run ./internal/torture all -control   each technique, and then its negative control
//
// Each technique prints one line per figure: what was tried, how often, what was lost. Its negative
// control (-break) is the same trial with one part broken on purpose, and has to find that out: a
// trial that cannot fail proves nothing.
//
// It exits 0 if every promise held, 1 if one was broken, 2 if the command line is wrong, and 3 if a
// technique cannot run here, which it says. It runs on Linux.
package main
