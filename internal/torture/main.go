//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

type options struct {
	trial.Options
	names []string
}

func main() {
	if code, ok := trial.Play(roles(), os.Args[1:]); ok {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return trial.Held
	}
	if err != nil {
		fmt.Fprintf(stderr, "torture: %v\n", err)
		return trial.Usage
	}
	fmt.Fprintf(stdout, "seed %d\n", opts.Seed)
	code := trial.Held
	for _, tech := range techniques() {
		if slices.Contains(opts.names, tech.Name) && ctx.Err() == nil {
			code = trial.Worse(code, tech.Try(ctx, opts.Options, stdout))
		}
	}
	if ctx.Err() != nil {
		return trial.Broken
	}
	return code
}

// parse takes flags before, between and after the names.
func parse(args []string, stderr io.Writer) (options, error) {
	opts := options{}
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { usage(stderr, flags) }
	flags.BoolVar(&opts.Quick, "quick", false, "the small size that CI runs")
	flags.BoolVar(&opts.Break, "break", false, "run the negative controls only: each has to exit 1")
	flags.BoolVar(&opts.Both, "control", false, "after each technique, run its negative control, which has to fail")
	flags.BoolVar(&opts.Keep, "keep", false, "keep the files of each technique, and say where they are")
	flags.Uint64Var(&opts.Seed, "seed", uint64(time.Now().UnixNano()%1e9), "what the random choices start from")
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
	for _, tech := range techniques() {
		known = append(known, tech.Name)
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
	for _, tech := range techniques() {
		fmt.Fprintf(w, "  %-8s %s (requirements %s)\n           -break: %s\n", tech.Name, tech.What, tech.Proves, tech.Breaks)
	}
	flags.PrintDefaults()
}
