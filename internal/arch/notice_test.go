package arch

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write NOTICE as it should be")

// platforms lists the platforms of released binaries.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// licenses lists the licenses that a released binary may contain, each with words that only its text has. A BSD license
// of two clauses has the words of one of three except the last. The text of a fixed one is the same everywhere.
var licenses = []struct {
	name, words string
	fixed       bool
}{
	{"Apache License 2.0", "Apache License Version 2.0, January 2004", true},
	{"Mozilla Public License 2.0", "Mozilla Public License Version 2.0", true},
	{"MIT License", "Permission is hereby granted, free of charge, to any person obtaining a copy", false},
	{"BSD 3-Clause License", "may be used to endorse or promote products derived from this software", false},
	{"BSD 2-Clause License", "Redistributions in binary form must reproduce the above copyright notice", false},
	{"The Unlicense", "This is free and unencumbered software released into the public domain.", true},
}

// TestNotice compares NOTICE with the contents of the binaries: every linked module with its license.
func TestNotice(t *testing.T) {
	t.Parallel()
	const path = "../../NOTICE"
	want := notice(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, readText(t, path)); diff != "" {
		t.Errorf("NOTICE is out of date; run: go test ./internal/arch -run TestNotice -update\n(-want +got):\n%s", diff)
	}
}

const own = "Apache License 2.0" // the license of crmsync itself

// plain removes the differences between texts of one license.
var plain = strings.NewReplacer("“", `"`, "”", `"`)

// linkedModule is a module that a binary contains, with the license in its source.
type linkedModule struct {
	name       string // path and version
	license    string
	fixed      bool
	copyrights []string
	text       string // of the license, without lines of copyright
	notice     string // NOTICE of the module, if it has one
}

const noticeHead = `crmsync
Copyright 2026 The crmsync authors

Licensed under the Apache License, Version 2.0: see LICENSE.

The binaries of crmsync contain the Go standard library and the modules below, each under the license of its section.
The source of a module is found by its path, and ` + "`go mod download PATH@VERSION`" + ` gets it. River UI
(riverqueue.com/riverui) carries the minified JavaScript of its pages, among it React, React Flow, Headless UI and
dagre, which are under the MIT License.
`

// notice returns the expected NOTICE. Modules whose licenses differ only in their copyright share a section.
func notice(t *testing.T) string {
	t.Helper()
	sections := map[string][]linkedModule{}
	for _, m := range linkedModules(t) {
		key := m.license
		if !m.fixed {
			key += plain.Replace(strings.Join(strings.Fields(strings.ToLower(m.text)), " "))
		}
		sections[key] = append(sections[key], m)
	}
	out := &strings.Builder{}
	out.WriteString(noticeHead)
	for _, key := range slices.Sorted(maps.Keys(sections)) {
		modules := sections[key]
		fmt.Fprintf(out, "\n%s\n%s\n\n", strings.Repeat("=", 80), modules[0].license)
		for _, m := range modules {
			fmt.Fprintln(out, m.name)
			for _, line := range m.copyrights {
				fmt.Fprintln(out, "   ", line)
			}
			for line := range strings.Lines(m.notice) {
				fmt.Fprintln(out, strings.TrimRight("    "+line, " \n"))
			}
		}
		if modules[0].license == own {
			fmt.Fprintln(out, "\nThe text of this license is in LICENSE.")
			continue
		}
		fmt.Fprintf(out, "\n%s\n", modules[0].text)
	}
	return out.String()
}

// linkedModules returns the modules of all platforms' binaries in the order of their paths.
func linkedModules(t *testing.T) (modules []linkedModule) {
	t.Helper()
	dirs := map[string]string{"Go": ""}
	for _, platform := range platforms {
		goos, goarch, _ := strings.Cut(platform, "/")
		const format = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}`
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "./cmd/crmsync")
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("listing the modules of the binary for %s: %v", platform, err)
		}
		for line := range strings.Lines(string(out)) {
			if name, dir, ok := strings.Cut(strings.TrimSpace(line), "|"); ok {
				dirs[name] = dir
			}
		}
	}
	// Some distributions keep the license of Go elsewhere; golang.org/x has the same text.
	for name, dir := range dirs {
		if strings.HasPrefix(name, "golang.org/x/sys ") {
			dirs["Go"] = dir
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		modules = append(modules, readModule(t, name, dirs[name]))
	}
	return modules
}

var (
	licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|unlicense|copying)(\.\w+)?$`)
	copyright   = regexp.MustCompile(`(?m)^[ \t]*(Copyright (?:\([cC]\) )?(?:\d{4}|[A-Z]).*?)\s*$\n?`)
	title       = regexp.MustCompile(
		`(?im)^[ \t]*((the )?(mit|bsd [23]-clause) license( \(mit\))?|all rights reserved\.)[ \t]*$\n?`)
)

func readModule(t *testing.T, name, dir string) linkedModule {
	t.Helper()
	m := linkedModule{name: name}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, entry := range entries {
		switch {
		case licenseFile.MatchString(entry.Name()) && m.text == "":
			m.text = readText(t, filepath.Join(dir, entry.Name()))
		case entry.Name() == "NOTICE":
			m.notice = strings.TrimSpace(readText(t, filepath.Join(dir, entry.Name())))
		}
	}
	words := strings.Join(strings.Fields(m.text), " ")
	for _, l := range licenses {
		if strings.Contains(words, l.words) {
			m.license, m.fixed = l.name, l.fixed
			break
		}
	}
	if m.license == "" {
		t.Errorf("%s has no license that a binary may contain; see the list of licenses", name)
	}
	for _, match := range copyright.FindAllStringSubmatch(m.text, -1) {
		m.copyrights = append(m.copyrights, match[1])
	}
	m.text = strings.Trim(title.ReplaceAllString(copyright.ReplaceAllString(m.text, ""), ""), "\n")
	return m
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
