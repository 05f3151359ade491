package result

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Run is everything that a run of the program found.
type Run struct {
	Machine Machine `json:"machine"`
	Quick   bool    `json:"quick"` // too small to say anything of speed
	Rows    []Row   `json:"rows"`
	Problem string  `json:"problem,omitempty"` // what kept the run from being whole
}

// Machine is where it ran.
type Machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	FileSystem string `json:"file_system"`
	Go         string `json:"go"`
	Commit     string `json:"commit"`
}

// Row is what a peer did in a case, a sample per round.
type Row struct {
	Workload string   `json:"workload"`
	Case     string   `json:"case"`
	Peer     string   `json:"peer"`
	Samples  []Sample `json:"samples"`
}

// Read reads a run from a file.
func Read(path string) (*Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Run)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// Write writes the run to a file.
func (r *Run) Write(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Add adds a sample to its row.
func (r *Run) Add(workload, name, peer string, s Sample) {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Workload == workload && row.Case == name && row.Peer == peer {
			row.Samples = append(row.Samples, s)
			return
		}
	}
	r.Rows = append(r.Rows, Row{workload, name, peer, []Sample{s}})
}

// Samples returns the samples of a row, nil when it was not run.
func (r *Run) Samples(workload, name, peer string) []Sample {
	for _, row := range r.Rows {
		if row.Workload == workload && row.Case == name && row.Peer == peer {
			return row.Samples
		}
	}
	return nil
}

// Workloads returns the workloads that were run, in that order.
func (r *Run) Workloads() (names []string) {
	for _, row := range r.Rows {
		if !slices.Contains(names, row.Workload) {
			names = append(names, row.Workload)
		}
	}
	return names
}

// Cases returns the cases of a workload that were run, in that order.
func (r *Run) Cases(workload string) (names []string) {
	for _, row := range r.Rows {
		if row.Workload == workload && !slices.Contains(names, row.Case) {
			names = append(names, row.Case)
		}
	}
	return names
}

// Peers returns the peers that a case was run with, in that order.
func (r *Run) Peers(workload, name string) (names []string) {
	for _, row := range r.Rows {
		if row.Workload == workload && row.Case == name {
			names = append(names, row.Peer)
		}
	}
	return names
}
