package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/go-envparse"
)

// EnvFile is read from the working directory if it exists and no other file is given.
const EnvFile = ".env"

// Source reads variables from the environment of the process and from an env file.
type Source struct {
	getenv func(string) string
	set    []string // names in the environment
	file   string   // path of the env file; empty: none
	values map[string]fileValue
}

// fileValue is a variable in an env file.
type fileValue struct {
	text string
	line int
}

// NewSource returns a source of the variables that getenv reads. names are those that are set, as far as known.
func NewSource(getenv func(string) string, names []string) *Source {
	return &Source{getenv: getenv, set: names}
}

// WithoutFile returns a source of the same environment that has read no env file.
func (s *Source) WithoutFile() *Source { return NewSource(s.getenv, s.set) }

// ReadFile reads the env file at path. If path is empty, it reads CRMSYNC_ENV, or .env if that exists. Its error is a
// UsageError that names every faulty line without its content.
func (s *Source) ReadFile(path string) error {
	named := path != ""
	if !named {
		path = s.getenv("CRMSYNC_ENV")
		named = path != ""
	}
	if !named {
		path = EnvFile
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil
	case err != nil:
		return UsageError{fmt.Errorf("%s cannot be read: %w", path, cause(err))}
	}
	s.file, s.values = path, map[string]fileValue{}
	var faults []error
	for n, line := range bytes.Split(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n")) {
		if err := s.readLine(n+1, line); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", path, n+1, err))
		}
	}
	if len(faults) > 0 {
		return UsageError{errors.Join(faults...)}
	}
	return nil
}

// readLine reads one line: the library could parse a whole file, but does not report the line of a variable.
func (s *Source) readLine(n int, line []byte) error {
	values, err := envparse.Parse(bytes.NewReader(line))
	if parse, ok := errors.AsType[*envparse.ParseError](err); ok {
		err = parse.Err
	}
	switch {
	case errors.Is(err, envparse.ErrUnmatchedDouble), errors.Is(err, envparse.ErrUnmatchedSingle):
		return fmt.Errorf(`%w in the line; a value of several lines needs "\n" for its line breaks, or NAME_FILE`, err)
	case err != nil:
		return fmt.Errorf("%w; a line has the form NAME=value", err)
	}
	for name, text := range values {
		_, raw, _ := bytes.Cut(line, []byte("="))
		if n := bytes.IndexByte(raw, '#'); n > 0 && !bytes.ContainsAny(raw[:n], "'\"") && !isSpace(raw[n-1]) {
			return fmt.Errorf("the value of %s contains #, which begins a comment; put the value into quotes", name)
		}
		if known, twice := s.values[name]; twice {
			return fmt.Errorf("%s is set already, in line %d", name, known.line)
		}
		s.values[name] = fileValue{text, n}
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// Getenv returns a variable. The environment, directly or by NAME_FILE, takes precedence over the env file.
func (s *Source) Getenv(name string) string {
	value, _ := s.find(name)
	return value
}

// find returns a variable and where it comes from.
func (s *Source) find(name string) (value, origin string) {
	if value = s.getenv(name); value != "" {
		return value, "environment"
	}
	base := strings.TrimSuffix(name, "_FILE")
	if v, ok := s.values[name]; ok && v.text != "" && s.getenv(base) == "" && s.getenv(base+"_FILE") == "" &&
		!isProcessOwn(name) {
		return v.text, fmt.Sprintf("%s:%d", s.file, v.line)
	}
	return "", ""
}

// isProcessOwn reports whether a variable is read before the program starts, or concerns its terminal, so that an env
// file comes too late for it.
func isProcessOwn(name string) bool {
	return slices.Contains([]string{"GOGC", "GOMEMLIMIT", "NO_COLOR", "TERM", "CRMSYNC_ENV"}, name)
}

// File returns the path of the env file that was read, or "".
func (s *Source) File() string { return s.file }

// Warnings returns a sentence about each name in the environment that looks like a mistyped variable of the program,
// and about each name in the env file that the program does not read.
func (s *Source) Warnings() (warnings []string) {
	known := names(Variables())
	for _, name := range slices.Sorted(slices.Values(s.set)) {
		if meant := nearest(name, known); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s is set in the environment, but crmsync does not read it; "+
				"did you mean %s?", name, meant))
		}
	}
	var lines []string
	for name := range s.values {
		lines = append(lines, name)
	}
	slices.SortFunc(lines, func(a, b string) int { return s.values[a].line - s.values[b].line })
	for _, name := range lines {
		if isKnown(name, known) {
			continue
		}
		hint := ""
		if meant := nearest(name, known); meant != "" {
			hint = "; did you mean " + meant + "?"
		}
		warnings = append(warnings, fmt.Sprintf("%s:%d: crmsync does not read %s%s", s.file, s.values[name].line, name,
			hint))
	}
	return warnings
}
