package cli

import (
	"fmt"

	"crmsync/internal/buildinfo"
	"crmsync/schema/store"
)

type versionCommand struct {
	JSON bool `help:"Print JSON."`
}

// Version identifies the program and the database schema that it creates. Its JSON form is stable.
type Version struct {
	buildinfo.Info
	Schema int64 `json:"schema"`       // our newest migration
	River  int64 `json:"river_schema"` // River's newest migration
}

// Run prints the version of the program.
func (c versionCommand) Run(p *program) error {
	v, err := readVersion()
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(v)
	}
	_, err = fmt.Fprintln(p.stdout, v)
	return err
}

func readVersion() (Version, error) {
	own, river, err := store.Versions()
	return Version{Info: buildinfo.Read(), Schema: own, River: river}, err
}

// String returns the version in one line.
func (v Version) String() string {
	return fmt.Sprintf("crmsync %s (commit %s of %s, %s, schema %d, River's schema %d)",
		v.Version, v.Commit, v.Date, v.Go, v.Schema, v.River)
}
