//go:build linux

package damage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/boltsession/session"
)

// A surveyRequest is a file of a stock that may be damaged.
type surveyRequest struct {
	Path    string
	Stock   stock
	Naively bool
}

// A finding is what was seen of such a file, by a process that lived to tell.
type finding struct {
	Check     string // the kind of error that Check had
	CheckSays string
	Warned    bool // Check did, of something that is no damage yet
	Open      string
	Told      bool           // Open logged that the last commit may be missing
	Missing   []int          // sessions that Get does not find
	Back      bool           // the last one that ended is there
	Errors    map[string]int // of reads, by kind
	Writes    map[string]int // by kind of error, "" for those that worked
	After     string         // the kind of error that Check has of what was closed again
	Wrong     []string       // broken promises
}

// surveyor surveys one file.
type surveyor struct {
	surveyRequest
	finding
	ctx   context.Context
	log   bytes.Buffer
	found map[int]bool
}

func playSurveyor([]string) error {
	return answerAll(os.Stdin, os.Stdout, func(q surveyRequest) (finding, error) {
		s := &surveyor{surveyRequest: q, ctx: context.Background(), found: map[int]bool{}}
		s.Errors, s.Writes = map[string]int{}, map[string]int{}
		err := s.survey()
		return s.finding, err
	})
}

// wrong notes a broken promise.
func (s *surveyor) wrong(format string, args ...any) {
	if len(s.Wrong) < 5 {
		s.Wrong = append(s.Wrong, fmt.Sprintf(format, args...))
	}
}

// failed notes an error of a read, which has to be one that can be tested for.
func (s *surveyor) failed(what string, err error) {
	kind := kindOf(err)
	s.Errors[kind]++
	if kind == "untyped" {
		s.wrong("%s: %v", what, err)
	}
}

func (s *surveyor) survey() error {
	if s.Naively {
		return s.surveyNaive()
	}
	before, err := os.ReadFile(s.Path)
	if err != nil {
		return err
	}
	report, err := session.Check(s.ctx, s.Path)
	s.Check, s.Warned = kindOf(err), len(report.Warnings) > 0
	s.CheckSays = fmt.Sprint(err, " ", report.Warnings)
	if s.Check == "untyped" {
		s.wrong("Check: %v", err)
	}
	store, err := openStock(s.Path, s.Stock, false, &s.log)
	if s.Open = kindOf(err); s.Open == "untyped" {
		s.wrong("Open: %v", err)
	}
	if err != nil {
		after, err := os.ReadFile(s.Path)
		if err != nil || !bytes.Equal(before, after) {
			s.wrong("a file that was not opened is not as it was: %v", err)
		}
		return nil
	}
	s.Told = strings.Contains(s.log.String(), "the last commit may be missing")
	bolt := store.(*session.BoltStore)
	s.readAll(store)
	s.list(bolt)
	s.write(bolt)
	s.reap(bolt)
	if err := bolt.Close(); err != nil {
		s.failed("Close", err)
	}
	return s.again()
}

// surveyNaive reads a file by a store that trusts it.
func (s *surveyor) surveyNaive() error {
	store, err := openStock(s.Path, s.Stock, true, nil)
	if s.Open = kindOf(err); err != nil {
		return nil // refusing it is right, whatever the error
	}
	defer store.Close()
	s.readAll(store)
	s.save(store, 9)
	return nil
}

// readAll gets every session there ever was, and some that never were.
func (s *surveyor) readAll(store session.Store) {
	k := s.Stock
	for i := range k.Sessions {
		got, err := store.Get(s.ctx, k.id(i), k.parts(i)...)
		became := k.became(i)
		switch {
		case errors.Is(err, session.ErrNotFound):
			if became == stays {
				s.Missing = append(s.Missing, i)
			}
		case err != nil:
			s.failed("Get", err)
			if s.Errors["failed"] > 3 {
				return // the store has given up its file
			}
		case became == endsLast:
			s.Back = true
			fallthrough
		case became == stays:
			s.found[i] = true
			if err := k.compare(s.ctx, got, i, k.version(i)); err != nil {
				s.wrong("%v", err)
			}
		case s.Naively && became == expires: // it expires nothing
		default:
			s.wrong("session %d is there, and had ended", i)
		}
	}
	for i := range 5 {
		switch _, err := store.Get(s.ctx, k.id(-1-i)); {
		case err == nil:
			s.wrong("a session is there that never was")
		case !errors.Is(err, session.ErrNotFound):
			s.failed("Get of a session that never was", err)
		}
	}
}

// save changes some sessions that are there.
func (s *surveyor) save(store session.Store, version int) {
	n := 0
	for i := 0; i < s.Stock.Sessions && n < 10; i += 1 + s.Stock.Sessions/17 {
		if !s.found[i] {
			continue
		}
		n++
		got, err := store.Get(s.ctx, s.Stock.id(i), s.Stock.parts(i)...)
		if err == nil {
			err = s.Stock.set(s.ctx, got, i, version)
		}
		if err == nil {
			err = store.Save(s.ctx, got)
		}
		s.wrote("Save", err)
	}
}

// wrote notes how a write ended.
func (s *surveyor) wrote(what string, err error) {
	kind := kindOf(err)
	s.Writes[kind]++
	if kind == "untyped" {
		s.wrong("%s: %v", what, err)
	}
}
