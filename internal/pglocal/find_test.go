package pglocal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// install creates imitations of PostgreSQL's programs in root/version/bin.
func install(t *testing.T, root, version string) string {
	t.Helper()
	dir := filepath.Join(root, version, "bin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s (Debian)'\n", version)
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	tests := map[string]struct {
		installed []string // versions in the packages' folders
		named     string   // version in PG_BIN
		path      string   // version on PATH
		want      string
		err       bool
	}{
		"newest by number":     {installed: []string{"9.6", "15.18", "100.1"}, want: "100.1"},
		"before its release":   {installed: []string{"15.18", "19beta1"}, want: "19beta1"},
		"too old":              {installed: []string{"9.6", "13.2"}, err: true},
		"none":                 {err: true},
		"PATH before places":   {installed: []string{"17.1"}, path: "16.2", want: "16.2"},
		"too old on PATH":      {installed: []string{"17.1"}, path: "13.2", want: "17.1"},
		"PG_BIN before PATH":   {named: "14.0", path: "16.2", want: "14.0"},
		"PG_BIN must be right": {installed: []string{"17.1"}, named: "13.0", err: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, version := range tt.installed {
				install(t, root, version)
			}
			other, named, path := t.TempDir(), "", t.TempDir()
			if tt.named != "" {
				named = install(t, other, tt.named)
			}
			if tt.path != "" {
				path = install(t, other, tt.path)
			}
			t.Setenv("PATH", path)
			got, err := find(t.Context(), named, []string{filepath.Join(root, "*", "bin")})
			if (err != nil) != tt.err {
				t.Fatalf("find() error = %v, want an error: %v", err, tt.err)
			}
			if tt.err && tt.named == "" && !errors.Is(err, ErrNotFound) {
				t.Errorf("find() error = %v, want ErrNotFound", err)
			}
			if version := filepath.Base(filepath.Dir(got.Dir)); !tt.err && version != tt.want {
				t.Errorf("find() = %s, want version %s", got.Dir, tt.want)
			}
		})
	}
}
