package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/boltsession/session/bench/internal/gate"
	"github.com/boltsession/session/bench/internal/proc"
	"github.com/boltsession/session/bench/internal/report"
	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

var errUsage = errors.New("wrong usage")

// options are the flags.
type options struct {
	quick      bool
	only       []string // workloads; nil: all
	from, json string
	plots      string
	reports    []string
}

func parse(args []string) (*options, error) {
	o := new(options)
	var only, reports string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "only see that everything works")
	f.StringVar(&only, "only", "", "run only these `workloads`, with commas between")
	f.StringVar(&o.json, "json", "", "write what was found to `FILE`")
	f.StringVar(&o.from, "from", "", "run nothing, take what an earlier run wrote to `FILE`")
	f.StringVar(&o.plots, "plots", "", "draw plots into `DIR`")
	f.StringVar(&reports, "report", "", "put the figures between the marks of these `documents`, with commas between")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case err != nil:
		return nil, errUsage
	case f.NArg() > 0:
		return nil, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	o.only, o.reports = list(only), list(reports)
	for _, name := range o.only {
		if _, ok := work.Find(o.size(), name); !ok {
			return nil, fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(names(o.size()), ", "))
		}
	}
	return o, nil
}

func list(commas string) []string {
	if commas == "" {
		return nil
	}
	return strings.Split(commas, ",")
}

func names(s work.Size) (names []string) {
	for _, w := range work.All(s) {
		names = append(names, w.Name)
	}
	return names
}

func (o *options) size() work.Size {
	if o.quick {
		return work.Quick()
	}
	return work.Full()
}

// execute runs what is asked for, tells it, and returns an error when a gate is missed.
func (o *options) execute(ctx context.Context) error {
	run, err := o.find(ctx)
	if err != nil {
		return err
	}
	for _, s := range report.Sections(run) {
		for _, t := range s.Tables {
			if err := t.Text(os.Stdout); err != nil {
				return err
			}
		}
	}
	if run.Problem != "" {
		return fmt.Errorf("not everything could be run: %s", run.Problem)
	}
	if err := o.document(run); err != nil {
		return err
	}
	if run.Quick {
		fmt.Println("\nA quick run: everything works; no gate is held against it.")
		return nil
	}
	return judge(run)
}

// document draws plots and updates documents.
func (o *options) document(run *result.Run) error {
	if o.plots != "" {
		if err := report.Plots(o.plots, run); err != nil {
			return fmt.Errorf("draw plots: %w", err)
		}
	}
	if run.Quick && o.reports != nil {
		return errors.New("a quick run says nothing of speed, documents stay as they are")
	}
	for _, path := range o.reports {
		if err := report.Update(path, run); err != nil {
			return err
		}
	}
	return nil
}

// judge prints the gates.
func judge(run *result.Run) error {
	verdicts := gate.Judge(run)
	if err := report.GateTable(verdicts).Text(os.Stdout); err != nil {
		return err
	}
	if i := slices.IndexFunc(verdicts, gate.Verdict.Missed); i >= 0 {
		return errors.New("not every gate is met")
	}
	return nil
}

// find reads an earlier run, or makes one.
func (o *options) find(ctx context.Context) (*result.Run, error) {
	if o.from != "" {
		return result.Read(o.from)
	}
	run, err := o.measure(ctx)
	if err == nil && o.json != "" {
		err = run.Write(o.json)
	}
	return run, err
}

// measure runs the workloads. One that fails ends none of the others.
func (o *options) measure(ctx context.Context) (*result.Run, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	run := &result.Run{Machine: proc.Machine(dir), Quick: o.quick}
	c := proc.Conductor{Size: o.size(), Dir: dir, Say: func(format string, values ...any) {
		fmt.Fprintf(os.Stderr, "%5.0f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, values...))
	}}
	for _, w := range work.All(c.Size) {
		if o.only != nil && !slices.Contains(o.only, w.Name) {
			continue
		}
		if err := c.Run(ctx, w, run); err != nil {
			c.Say("%v", err)
			run.Problem = strings.TrimSpace(run.Problem + "\n" + err.Error())
		}
		if ctx.Err() != nil {
			break
		}
	}
	c.Say("done")
	return run, nil
}
