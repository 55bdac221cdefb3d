package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

const (
	simStateVersion = 1
	simStateEvery   = 2 * time.Second
	simStateAdvice  = "restore the file from a copy, or remove it to start empty"
)

// simState is the content of a state file.
type simState struct {
	Version    int              `json:"crmsync_sim_version"`
	Monday     *mondaysim.Saved `json:"monday"`
	Salesforce *sfsim.Saved     `json:"salesforce"`
}

// simStateFile stores what the simulators hold in a file.
type simStateFile struct {
	path       string
	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	stored     [2]int64 // revisions in the file
}

// open loads the file if it exists, and writes it, so that a file that cannot be written is found at the start.
func (f *simStateFile) open() error {
	text, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("reading the state of the simulators: %w", err)
	default:
		if err := f.load(text); err != nil {
			return err
		}
	}
	f.stored = [2]int64{-1, -1}
	return f.save()
}

// load loads the text of the file into the new simulators.
func (f *simStateFile) load(text []byte) error {
	var version struct {
		Version int `json:"crmsync_sim_version"`
	}
	switch err := json.Unmarshal(text, &version); {
	case err != nil:
		return fmt.Errorf("%s is damaged: %w; %s", f.path, err, simStateAdvice)
	case version.Version == 0:
		return fmt.Errorf("%s is not a state file of crmsync sim: it has no crmsync_sim_version; name another file", f.path)
	case version.Version != simStateVersion:
		return fmt.Errorf("%s is a state file of version %d, and this crmsync reads version %d; "+
			"use the crmsync that wrote it, or name another file", f.path, version.Version, simStateVersion)
	}
	var state simState
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.DisallowUnknownFields()
	err := in.Decode(&state)
	if err == nil && (state.Monday == nil || state.Salesforce == nil) {
		err = errors.New("the part of one system is missing")
	}
	if err == nil {
		err = f.monday.Load(*state.Monday)
	}
	if err == nil {
		err = f.salesforce.Load(*state.Salesforce)
	}
	if err != nil {
		return fmt.Errorf("%s is damaged: %w; %s", f.path, err, simStateAdvice)
	}
	return nil
}

// save writes the file if something has changed.
func (f *simStateFile) save() error {
	now := [2]int64{f.monday.Revision(), f.salesforce.Revision()} // of before: what changes meanwhile is saved next time
	if now == f.stored {
		return nil
	}
	monday, salesforce := f.monday.Save(), f.salesforce.Save()
	text, err := json.Marshal(simState{simStateVersion, &monday, &salesforce})
	if err == nil {
		err = replaceFile(f.path, string(text)+"\n", 0o600)
	}
	if err != nil {
		return fmt.Errorf("storing the state of the simulators: %w", err)
	}
	f.stored = now
	return nil
}

// keep saves every few seconds until ctx ends, and reports the first of several failures in a row.
func (f *simStateFile) keep(ctx context.Context, stderr io.Writer) {
	ticker := time.NewTicker(simStateEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := f.save()
		if err != nil && !failing {
			fmt.Fprintf(stderr, "crmsync: %v; the next attempts follow every %s\n", err, simStateEvery)
		}
		failing = err != nil
	}
}
