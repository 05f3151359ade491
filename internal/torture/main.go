//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	exitBroken = 1 // a promise was broken
	exitUsage  = 2
	exitCannot = 3 // a technique cannot run here
)

type options struct {
	names   []string
	quick   bool
	broken  bool
	control bool
	keep    bool
	seed    uint64
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == roleFlag {
		os.Exit(play(os.Args[2], os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "torture: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stdout, "seed %d\n", opts.seed)
	code := 0
	for _, tech := range techniques {
		if slices.Contains(opts.names, tech.name) && ctx.Err() == nil {
			code = worse(code, tech.try(ctx, opts, stdout))
		}
	}
	if ctx.Err() != nil {
		return exitBroken
	}
	return code
}

// worse prefers a broken promise over a technique that could not run, and that over success.
func worse(a, b int) int {
	if a == exitBroken || b == exitBroken {
		return exitBroken
	}
	return max(a, b)
}

// parse takes flags before, between and after the names.
func parse(args []string, stderr io.Writer) (options, error) {
	opts := options{}
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { usage(stderr, flags) }
	flags.BoolVar(&opts.quick, "quick", false, "the small size that CI runs")
	flags.BoolVar(&opts.broken, "break", false, "run the negative controls only: each has to exit 1")
	flags.BoolVar(&opts.control, "control", false, "after each technique, run its negative control, which has to fail")
	flags.BoolVar(&opts.keep, "keep", false, "keep the files of each technique, and say where they are")
	flags.Uint64Var(&opts.seed, "seed", uint64(time.Now().UnixNano()%1e9), "what the random choices start from")
	for rest := args; len(rest) > 0; rest = flags.Args() {
		if !strings.HasPrefix(rest[0], "-") {
			opts.names = append(opts.names, rest[0])
			rest = rest[1:]
		}
		if err := flags.Parse(rest); err != nil {
			return opts, err
		}
	}
	return opts, opts.check()
}

func (o *options) check() error {
	var known []string
	for _, tech := range techniques {
		known = append(known, tech.name)
	}
	if slices.Contains(o.names, "all") {
		o.names = known
	}
	if len(o.names) == 0 {
		return errors.New("say what to run: all, or some of " + strings.Join(known, ", "))
	}
	for _, name := range o.names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no technique %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func usage(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintln(w, "usage: torture all|NAME... [flags]")
	for _, tech := range techniques {
		fmt.Fprintf(w, "  %-8s %s (requirements %s)\n           -break: %s\n", tech.name, tech.what, tech.proves, tech.breaks)
	}
	flags.PrintDefaults()
}

// random starts a technique's choices from the seed and its name, so that each can be run alone
// and make the same ones.
func random(seed uint64, name string) *rand.Rand {
	stream := uint64(0)
	for _, c := range name {
		stream = stream*131 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, stream))
}
