package operate_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/app"
	"crmsync/internal/e2e"
	"crmsync/schema/mapping"
)

// document reads a document by its path from the root of the repository.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents returns all documents for users, by their paths from the root of the repository.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "deploy/*.md"} {
		paths, err := filepath.Glob("../../../" + pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no document (%v)", pattern, err)
		}
		for _, path := range paths {
			name := strings.TrimPrefix(filepath.ToSlash(path), "../../../")
			docs[name] = document(t, name)
		}
	}
	return docs
}

// section returns a section of docs/operating.md.
func section(t *testing.T, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(document(t, "docs/operating.md"), "\n## "+title+"\n")
	if !found {
		t.Fatalf("docs/operating.md has no section %q", title)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// firstCells returns the code spans in the first cells of a section's tables.
func firstCells(text string) (spans []string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "/"), "|")
		if len(cells) < 3 {
			continue
		}
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			spans = append(spans, span[1])
		}
	}
	return spans
}

// TestDocumentedMappings checks that every mapping in a document can be decoded: readers copy them.
func TestDocumentedMappings(t *testing.T) {
	t.Parallel()
	found := 0
	for name, text := range documents(t) {
		for _, block := range regexp.MustCompile("(?s)```yaml\n(version: 1.*?)```").FindAllStringSubmatch(text, -1) {
			found++
			if _, err := mapping.Parse(name, []byte(block[1])); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, block[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d mappings found", found)
	}
}

// TestDocumentedCommands compares the commands and flags of docs/operating.md with those of the program, and checks
// that those in other documents exist.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	programs := commandsOf(t)
	documented := map[string][]string{}
	span := regexp.MustCompile(`^crmsync((?: [a-z]+)+)(.*)$`)
	for _, cell := range firstCells(section(t, "Commands")) {
		match := span.FindStringSubmatch(cell)
		if match == nil {
			t.Errorf("docs/operating.md lists %q, which is not a command", cell)
			continue
		}
		command := commandIn(programs, strings.Fields(match[1]))
		documented[command] = flagsIn(cell)
	}
	if diff := cmp.Diff(programs, documented); diff != "" {
		t.Errorf("commands and flags of the program (-) and of docs/operating.md (+):\n%s", diff)
	}
	for name, text := range documents(t) {
		for _, code := range codeIn(text) {
			arguments, ok := argumentsOf(code)
			isCommand := !strings.HasPrefix(arguments, "-") && !strings.HasPrefix(arguments+" ", "help ")
			if !ok || !isCommand {
				continue
			}
			command := commandIn(programs, strings.Fields(arguments))
			if command == "" && !isGroup(programs, arguments) {
				t.Errorf("%s names `%s`, which does not exist", name, code)
			}
			for _, flag := range flagsIn(arguments) {
				if !slices.Contains(programs[command], flag) {
					t.Errorf("%s names `%s`, which has no %s", name, code, flag)
				}
			}
		}
	}
}

// wrapped matches the text before the program's arguments where another program runs it.
var wrapped = regexp.MustCompile(`^(?:(?:cd \S+ && )?sudo -u crmsync (?:env \S+ )?crmsync|docker compose run --rm worker|kubectl .* -- /crmsync) `)

// argumentsOf returns the command and arguments of a line that runs crmsync, by itself or by another program.
func argumentsOf(code string) (arguments string, ok bool) {
	if arguments, ok = strings.CutPrefix(code, "crmsync "); ok {
		return arguments, true
	}
	prefix := wrapped.FindString(code)
	return code[len(prefix):], prefix != ""
}

// TestArgumentsOf checks that the lines of other programs are understood, which TestDocumentedCommands relies on.
func TestArgumentsOf(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"crmsync status --json":                                            "status --json",
		"sudo -u crmsync crmsync init   # DATABASE_URL":                    "init   # DATABASE_URL",
		"cd /etc/crmsync && sudo -u crmsync crmsync status":                "status",
		"docker compose run --rm worker status":                            "status",
		"kubectl -n crmsync exec deploy/crmsync-worker -- /crmsync status": "status",
		"sudo systemctl restart crmsync":                                   "",
	} {
		if got, ok := argumentsOf(code); ok != (want != "") || ok && got != want {
			t.Errorf("argumentsOf(%q) = %q, %v, want %q", code, got, ok, want)
		}
	}
}

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// everywhere lists the flags that every command has.
var everywhere = []string{"--help", "--version", "--env-file"}

func flagsIn(text string) []string {
	flags := append([]string{}, flagName.FindAllString(text, -1)...)
	slices.Sort(flags)
	return slices.DeleteFunc(slices.Compact(flags), func(flag string) bool { return slices.Contains(everywhere, flag) })
}

// codeIn returns the code spans of a document, and the lines of its shell blocks.
func codeIn(text string) (code []string) {
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		code = append(code, strings.Split(block[1], "\n")...)
	}
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for line := range strings.Lines(text) {
		for n, part := range strings.Split(line, "`") {
			if n%2 == 1 {
				code = append(code, part)
			}
		}
	}
	return code
}

// isGroup reports whether several commands begin with the words.
func isGroup(programs map[string][]string, words string) bool {
	for command := range programs {
		if strings.HasPrefix(command, words+" ") {
			return true
		}
	}
	return false
}

// commandIn returns the command at the beginning of words, or "".
func commandIn(programs map[string][]string, words []string) string {
	for n := min(len(words), 2); n > 0; n-- {
		if command := strings.Join(words[:n], " "); programs[command] != nil {
			return command
		}
	}
	return ""
}

// commandsOf returns the program's commands with their flags, according to its help.
func commandsOf(t *testing.T) map[string][]string {
	t.Helper()
	world := outside(t, nil)
	_, help, _ := world.Command("--help")
	_, list, _ := strings.Cut(help, "Commands:\n")
	programs := map[string][]string{}
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)*)(?:  |$)`).FindAllStringSubmatch(list, -1) {
		_, help, _ := world.Command(append(strings.Fields(line[1]), "--help")...)
		programs[line[1]] = []string{}
		for _, flag := range regexp.MustCompile(`(?m)^ {2,6}(?:-[a-z], )?(--[a-z-]+)`).FindAllStringSubmatch(help, -1) {
			programs[line[1]] = append(programs[line[1]], flagsIn(flag[1])...)
		}
		slices.Sort(programs[line[1]])
	}
	if len(programs) < 15 {
		t.Fatalf("only %d commands found in\n%s", len(programs), help)
	}
	return programs
}

// TestDocumentedVariables compares the variables of docs/operating.md with those that the program reads.
func TestDocumentedVariables(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	_, err := app.ReadConfig(func(name string) string { asked[name] = true; return "" }, app.Role{Ingest: true, Worker: true})
	if err == nil {
		t.Error("an empty environment was accepted")
	}
	var variables []string
	for name := range asked {
		if base, isFile := strings.CutSuffix(name, "_FILE"); isFile && !asked[base] || !isFile && !asked[name+"_FILE"] {
			t.Errorf("%s and its file are not both read", name)
		} else if !isFile {
			variables = append(variables, name)
		}
	}
	variables = append(variables, "CRMSYNC_ENV") // says where to find the others
	slices.Sort(variables)
	documented := firstCells(section(t, "Environment variables"))
	slices.Sort(documented)
	if diff := cmp.Diff(variables, documented); diff != "" {
		t.Errorf("variables of the program (-) and of docs/operating.md (+):\n%s", diff)
	}
	prefixed := regexp.MustCompile(`\b(?:WEBHOOK|MONDAY|SALESFORCE|TELEGRAM|SLACK|INGEST|ADMIN|LOG|BATCH|RETRY|MAX|JOB|RESCUE|ALERT|SHUTDOWN|SCHEMA)_[A-Z_]+\b`)
	for name, text := range documents(t) {
		for _, variable := range prefixed.FindAllString(text, -1) {
			if !asked[variable] && name != "CHANGELOG.md" {
				t.Errorf("%s names %s, which the program does not read", name, variable)
			}
		}
	}
}

// TestDocumentedTables compares the tables of docs/operating.md with those of the schema.
func TestDocumentedTables(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	rows, err := w.DB.Query(t.Context(), "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range firstCells(section(t, "Tables")) {
		documented[name] = true
	}
	if diff := cmp.Diff(tables, documented); diff != "" {
		t.Errorf("tables of the schema (-) and of docs/operating.md (+):\n%s", diff)
	}
	statement := regexp.MustCompile(`\b(?:FROM|UPDATE|INTO|TABLE CONCURRENTLY|JOIN)\s+([a-z_]+)\b`)
	for name, text := range documents(t) {
		for _, block := range regexp.MustCompile("(?s)```(?:sql|sh)?\n(.*?)```").FindAllStringSubmatch(text, -1) {
			for _, match := range statement.FindAllStringSubmatch(block[1], -1) {
				if !tables[match[1]] && !strings.HasPrefix(match[1], "pg_") {
					t.Errorf("%s has a statement on %s, which is not a table", name, match[1])
				}
			}
		}
	}
}

// TestDocumentedMetrics compares the metrics of docs/operating.md, with their labels, with those that the program
// exports.
func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.BothWays)
	w.Lead("Ada Lovelace", "Analytical Engines")
	w.Deliver("not JSON")
	w.Quiet()
	w.Crmsync("apply", "--yes") // a run
	documented := map[string][]string{}
	for _, cell := range firstCells(section(t, "Metrics")) {
		name, labels, _ := strings.Cut(strings.TrimSuffix(cell, "}"), "{")
		documented[name] = slices.Sorted(slices.Values(strings.FieldsFunc(labels, func(r rune) bool { return r == ',' })))
	}
	w.Eventually("a channel was used", func() bool { return strings.Contains(w.Scrape(), "\ncrmsync_alert_channel_up{") })
	w.Eventually("the feed has read", func() bool { return strings.Contains(w.Scrape(), "\ncrmsync_feed_records_total{") })
	exported := exportedMetrics(w.Scrape())
	if diff := cmp.Diff(exported, documented, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
		t.Errorf("metrics of the program (-) and of docs/operating.md (+):\n%s", diff)
	}
	for name, text := range documents(t) {
		for _, metric := range regexp.MustCompile("`(crmsync_[a-z_]+)[`{]").FindAllStringSubmatch(text, -1) {
			isRole := slices.Contains([]string{"crmsync_owner", "crmsync_ingest", "crmsync_worker", "crmsync_console"}, metric[1])
			if _, known := exported[metric[1]]; !known && !isRole {
				t.Errorf("%s names %s, which is not exported", name, metric[1])
			}
		}
	}
}

// exportedMetrics returns our metrics in a scrape with their labels.
func exportedMetrics(scrape string) map[string][]string {
	metrics := map[string][]string{}
	histogram := map[string]bool{}
	for line := range strings.Lines(scrape) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "# TYPE crmsync_") && fields[3] == "histogram" {
			histogram[fields[2]] = true
		}
	}
	for name, labels := range seriesOf(scrape) {
		base, found := name, false
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if cut, ok := strings.CutSuffix(name, suffix); ok && histogram[cut] {
				base, found = cut, suffix == "_bucket"
			}
		}
		if !strings.HasPrefix(base, "crmsync_") || found {
			continue
		}
		unique := map[string]bool{}
		for _, label := range labels {
			if label != "" {
				unique[label] = true
			}
		}
		metrics[base] = slices.Sorted(maps.Keys(unique))
	}
	return metrics
}

// TestDocumentedTargets checks that every target of make in a document exists.
func TestDocumentedTargets(t *testing.T) {
	t.Parallel()
	makefile := document(t, "Makefile")
	found := 0
	for name, text := range documents(t) {
		for _, target := range regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllStringSubmatch(text, -1) {
			found++
			if !strings.Contains(makefile, "\n"+target[1]+":") {
				t.Errorf("%s names `make %s`, which does not exist", name, target[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d targets found", found)
	}
}
