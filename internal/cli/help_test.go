package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExamples checks that each command has examples, that its help shows them, and that they parse as that command.
func TestExamples(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&commands{}, io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, command := range parser.Model.Leaves(true) {
		path := command.Path()
		known[path] = true
		if len(examples[path]) == 0 {
			t.Errorf("crmsync %s has no example: add one to examples.go", path)
		}
		var help bytes.Buffer
		if code := Run(t.Context(), append(strings.Fields(path), "--help"), os.Getenv, &help, io.Discard); code != ExitDone {
			t.Errorf("crmsync %s --help: exit code %d", path, code)
		}
		var same bytes.Buffer
		code := Run(t.Context(), append([]string{"help"}, strings.Fields(path)...), os.Getenv, &same, io.Discard)
		if code != ExitDone || same.String() != help.String() {
			t.Errorf("crmsync help %s: exit code %d\n%s", path, code, same.String())
		}
		for _, example := range examples[path] {
			if !strings.Contains(help.String(), "\n    "+example+"\n") {
				t.Errorf("the help of %s does not show %q", path, example)
			}
			fresh, err := newParser(&commands{}, io.Discard, io.Discard, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(example)
			parsed, err := fresh.Parse(words[1:])
			if words[0] != "crmsync" || err != nil {
				t.Errorf("%q does not parse: %v", example, err)
			} else if got := parsed.Selected().Path(); got != path {
				t.Errorf("%q is an example of %s, and runs %s", example, path, got)
			}
		}
	}
	for path := range examples {
		if !known[path] {
			t.Errorf("there are examples of %s, which does not exist", path)
		}
	}
}

// TestComplete checks the candidates for the shells.
func TestComplete(t *testing.T) {
	t.Parallel()
	mapping := filepath.Join(t.TempDir(), "mapping.yaml")
	text := "version: 1\nboards:\n  contacts:\n    board: 1002\n    records:\n      contact: { object: Contact, fields: { LastName: name } }\n"
	if err := os.WriteFile(mapping, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"MAPPING": mapping}[name] }
	for words, want := range map[string]string{
		"che": "check", "held ": "drop list release", "held rel": "release", "check --l": "--live", "completion ": "bash fish zsh",
		"config --role ": "ingest serve worker", "plan con": "contacts", "scaffold --add ": "", "--env": "--env-file", "check --env-file x --fi": "--fields",
		"__": "", "nonsense x": "",
	} {
		var out bytes.Buffer
		args := append([]string{"__complete", "--"}, strings.Split(words, " ")...)
		if code := Run(t.Context(), args, getenv, &out, io.Discard); code != ExitDone {
			t.Errorf("%q: exit code %d", words, code)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, word)
		}
		if !equalSets(got, strings.Fields(want)) {
			t.Errorf("after %q: %q, want %q", words, got, want)
		}
	}
}

func equalSets(a, b []string) bool {
	set := map[string]bool{}
	for _, word := range a {
		set[word] = true
	}
	for _, word := range b {
		if !set[word] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestBashCompletion runs the script in bash, with a program in place of crmsync that records its arguments.
func TestBashCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stand := filepath.Join(dir, "crmsync")
	if err := os.WriteFile(stand, []byte("#!/bin/sh\nprintf '%s|' \"$@\" >"+dir+"/asked\nprintf 'release\\tDelete the records.\\n'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := scripts["bash"] + "\nCOMP_WORDS=(" + stand + " held rel); COMP_CWORD=2; _crmsync; echo \"${COMPREPLY[@]}\"\n"
	out, err := exec.CommandContext(t.Context(), "bash", "-c", script).CombinedOutput()
	if err != nil || string(out) != "release\n" {
		t.Errorf("bash: %v, %q", err, out)
	}
	if asked, err := os.ReadFile(filepath.Join(dir, "asked")); err != nil || string(asked) != "__complete|--|held|rel|" {
		t.Errorf("asked %q (%v)", asked, err)
	}
}

// TestManPage checks that the man page has all commands, and no line that man would take for an unknown request.
func TestManPage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := Run(t.Context(), []string{"man"}, os.Getenv, &out, io.Discard); code != ExitDone {
		t.Fatalf("exit code %d", code)
	}
	page := out.String()
	for path := range examples {
		if !regexp.MustCompile(`(?m)^\.SS ` + regexp.QuoteMeta(roff(path)) + `( |$)`).MatchString(page) {
			t.Errorf("crmsync %s is missing", path)
		}
	}
	request := regexp.MustCompile(`^\.(TH|SH|SS|TP|PP|B|I|RS|RE|nf|fi)\b`)
	for line := range strings.Lines(page) {
		if (line[0] == '.' || line[0] == '\'') && !request.MatchString(line) {
			t.Errorf("unknown request: %s", line)
		}
	}
	for _, want := range []string{`.B DATABASE_URL`, `\-\-live`, ".SH EXIT STATUS"} {
		if !strings.Contains(page, want) {
			t.Errorf("missing %q", want)
		}
	}
}
