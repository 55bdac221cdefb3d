package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"crmsync/internal/app"
)

// write writes .env and mapping.yaml. It changes existing files only after a yes.
func (s *setup) write(context.Context) error {
	s.printTitle("Files", "")
	text, err := os.ReadFile(s.envPath())
	isThere := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(app.NewEnv()), nil
	}
	if err != nil {
		return err
	}
	s.keepSettings()
	env := app.FillEnv(string(text), s.values)
	mapping := ""
	if len(s.pairs) > 0 {
		if mapping, err = addTo(s.mappingPath(), s.pairs); err != nil {
			return err
		}
	}
	if err := s.replace(s.envPath(), env, isThere && env != string(text), 0o600); err != nil || mapping == "" {
		return err
	}
	_, err = os.Stat(s.mappingPath())
	return s.replace(s.mappingPath(), mapping, err == nil, 0o644)
}

// keepSettings adds the settings that init has used without asking for them, so that it writes exactly what it
// checked. Secrets and passwords that it did not ask for stay where they are.
func (s *setup) keepSettings() {
	environment := s.program.source.WithoutFile()
	if file := s.source.File(); file != "" && filepath.Clean(file) != filepath.Clean(s.envPath()) {
		environment = s.source // with what another file has set
	}
	s.used["INGEST_ADDR"], s.used["ADMIN_ADDR"] = true, true // where it says that serve will listen
	for _, v := range app.Variables() {
		if file := environment.Getenv(v.Name + "_FILE"); file != "" && s.used[v.Name] {
			s.values[v.Name+"_FILE"] = file
		}
		value := environment.Getenv(v.Name)
		if value == "" || value == v.Default || s.values[v.Name] != "" || !s.used[v.Name] {
			continue
		}
		if v.Secret || strings.HasPrefix(v.Name, "DATABASE_") && app.WithoutPassword(value) != value {
			s.say("%s %s is a secret: it stays where it is set and was not written into %s",
				s.mark(s.stdout, doubtful), v.Name, s.envPath())
			continue
		}
		s.keep(v.Name, value)
	}
}

// replace writes a file; if it exists, it asks first.
func (s *setup) replace(path, text string, exists bool, mode os.FileMode) error {
	if exists && !s.command.Force &&
		!s.confirm(path+" exists. Write the answers into it, and leave the rest as it is?") {
		return fmt.Errorf("%s exists and was not changed; --force changes it without asking", path)
	}
	if err := replaceFile(path, text, mode); err != nil {
		return err
	}
	s.say("%s wrote %s", s.mark(s.stdout, passed), path)
	return nil
}

// finish checks what was written, and says what to do next.
func (s *setup) finish(ctx context.Context) error {
	s.printTitle("Check", "")
	source := s.program.source.WithoutFile()
	if err := source.ReadFile(s.envPath()); err != nil {
		return err
	}
	p := *s.program
	p.source = source
	p.getenv = func(name string) string {
		if name == "MAPPING" {
			return s.mappingPath()
		}
		return source.Getenv(name)
	}
	checking := checkCommand{Live: true}.Run(ctx, &p)
	address := s.known("INGEST_URL")
	if address == "" {
		address = "https://..."
	}
	s.say("\nNext%s:", map[bool]string{true: "", false: ", in " + s.command.Dir}[s.command.Dir == "."])
	table := newTable(s.stdout)
	fmt.Fprintln(table, "  crmsync serve\t# receives and processes; creates the tables")
	fmt.Fprintf(table, "  crmsync webhooks --url %s\t# registers the webhooks, while serve runs\n", address)
	fmt.Fprintln(table, "  crmsync doctor\t# examines everything")
	err := table.Flush()
	s.sayConsole()
	return errors.Join(err, checking)
}
