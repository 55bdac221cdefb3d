package arch

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDesignArrows compares the arrows in docs/design.md with the imports.
func TestDesignArrows(t *testing.T) {
	t.Parallel()
	diagram := regexp.MustCompile("(?s)```mermaid\n(.*?)```").FindStringSubmatch(readText(t, "../../docs/design.md"))
	if diagram == nil {
		t.Fatal("docs/design.md has no diagram")
	}
	imports := map[string][]string{}
	for _, p := range listPackages(t) {
		imports[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
	paths := map[string]string{} // of nodes whose label is not their name
	for _, node := range regexp.MustCompile(`(\w+)\["([^"]+)"\]`).FindAllStringSubmatch(diagram[1], -1) {
		paths[node[1]] = node[2]
	}
	pathOf := func(node string) string {
		if p := paths[node]; p != "" {
			return p
		}
		return node
	}
	arrows := regexp.MustCompile(`(?m)^\s*(\w+)(?:\[[^\]]*\])? --> (\w+)`).FindAllStringSubmatch(diagram[1], -1)
	if len(arrows) < 20 {
		t.Errorf("only %d arrows found", len(arrows))
	}
	for _, arrow := range arrows {
		from, to := pathOf(arrow[1]), pathOf(arrow[2])
		if !slices.Contains(imports[from], module+to) {
			t.Errorf("%s does not import %s, as the diagram says", from, to)
		}
	}
}

// TestDocsPointSomewhere checks that every relative link, with its section, and every path in a document exists.
func TestDocsPointSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	named := regexp.MustCompile("`([a-zA-Z0-9_.-]+/[a-zA-Z0-9_./-]+\\.(?:go|md|yml|yaml|sql|json|html))`")
	found := 0
	for _, doc := range documents(t) {
		text := readText(t, filepath.Join("../..", doc))
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, section, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			found++
			to := doc
			if target != "" {
				to = path.Join(path.Dir(doc), target)
			}
			if !exists(to) {
				t.Errorf("%s links to %s, which does not exist", doc, match[1])
			} else if section != "" && !slices.Contains(sections(readText(t, filepath.Join("../..", to))), section) {
				t.Errorf("%s links to %s, which has no such section", doc, match[1])
			}
		}
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			found++
			if !exists(match[1]) && !exists(path.Join(path.Dir(doc), match[1])) {
				t.Errorf("%s names %s, which does not exist", doc, match[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d links and paths found", found)
	}
}

// TestSite checks that the site's sidebar leads to every document except single decisions, which have an index.
func TestSite(t *testing.T) {
	t.Parallel()
	config := readText(t, "../../.ci/site/.vitepress/config.mjs")
	for _, doc := range documents(t) {
		page := "/" + strings.TrimSuffix(strings.TrimSuffix(doc, ".md"), "README")
		if path.Dir(doc) != "docs/decisions" && !strings.Contains(config, "'"+page+"'") {
			t.Errorf("the site's sidebar has no %s", doc)
		}
	}
}

// TestAfternoon checks that the README counts the commands that install.md has for the package, which .ci/afternoon
// runs.
func TestAfternoon(t *testing.T) {
	t.Parallel()
	_, block, _ := strings.Cut(readText(t, "../../docs/install.md"), "\n### From a package\n")
	_, block, _ = strings.Cut(block, "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	if count := strings.Count(block, "\n"); count != 6 || !strings.Contains(readText(t, "../../README.md"), "Use it. Six commands,") {
		t.Errorf("install.md has %d commands for the package; what does the README say?", count)
	}
}

// TestDocumentedReasons checks that the engine gives the reasons that the FAQ explains.
func TestDocumentedReasons(t *testing.T) {
	t.Parallel()
	_, answer, _ := strings.Cut(readText(t, "../../docs/faq.md"), "| reason | what it means |\n| --- | --- |\n")
	answer, _, _ = strings.Cut(answer, "\n\n")
	engine := readText(t, "../../worker/engine/item.go")
	rows := strings.Split(answer, "\n")
	if len(rows) < 3 {
		t.Fatalf("only %d reasons found", len(rows))
	}
	for _, row := range rows {
		reason := strings.TrimSpace(strings.Split(row, "|")[1])
		if !strings.Contains(engine, strconv.Quote(reason)) {
			t.Errorf("docs/faq.md explains the reason %q, which the engine does not give", reason)
		}
	}
}

// TestDecisions checks that every decision has the three parts, and is in the index.
func TestDecisions(t *testing.T) {
	t.Parallel()
	index := readText(t, "../../docs/decisions/README.md")
	pages, err := filepath.Glob("../../docs/decisions/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("finding decisions: %d pages, error %v", len(pages), err)
	}
	for _, page := range pages {
		name := filepath.Base(page)
		if name == "README.md" {
			continue
		}
		text := readText(t, page)
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		if row := "| [" + name[:4] + "](" + name + ") | " + title + " |"; !strings.Contains(index, row) {
			t.Errorf("the index has no row %s", row)
		}
		if parts := []string{"context", "choice", "consequences"}; !slices.Equal(sections(text)[1:], parts) {
			t.Errorf("%s has the sections %q, want %q", name, sections(text)[1:], parts)
		}
	}
}

// documents returns the Markdown files of the repository, by their paths from its root.
func documents(t *testing.T) []string {
	t.Helper()
	var docs []string
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && len(name) > 1 && (name[0] == '.' || entry.Name() == "testdata"):
			return fs.SkipDir
		case path.Ext(name) == ".md":
			docs = append(docs, name)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("listing documents: %v", err)
	}
	return docs
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join("../..", name))
	return err == nil
}

// sections returns the anchors that a forge derives from a document's headings.
func sections(text string) (anchors []string) {
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	return anchors
}
