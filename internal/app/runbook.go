package app

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"crmsync/deploy"
)

// runbookPage is the runbook of the running version, rendered when it is first asked for.
var runbookPage = sync.OnceValues(func() ([]byte, error) {
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(unlink{}, 0))),
	)
	var body, page bytes.Buffer
	if err := markdown.Convert(deploy.Runbook, &body); err != nil {
		return nil, err
	}
	err := runbookFrame.Execute(&page, template.HTML(body.String())) // from our own file, without raw HTML
	return page.Bytes(), err
})

var runbookFrame = template.Must(template.New("runbook").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Runbook - crmsync</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8885; border-radius: 4px; } code { font-size: .9em; }
table { border-collapse: collapse; } td, th { border: 1px solid #8885; padding: .3rem .6rem; text-align: left; vertical-align: top; }
:target { background: #fd06; }
</style></head><body>{{.}}</body></html>
`))

// unlink replaces links to other files, which are not served, by their text.
type unlink struct{}

// Transform changes the parsed page.
func (unlink) Transform(page *ast.Document, _ text.Reader, _ parser.Context) {
	var links []*ast.Link
	_ = ast.Walk(page, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // never fails
		if link, ok := n.(*ast.Link); ok && entering {
			if u, err := url.Parse(string(link.Destination)); err != nil || u.Scheme == "" && u.Path != "" {
				links = append(links, link)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, link := range links {
		parent := link.Parent()
		for link.FirstChild() != nil {
			parent.InsertBefore(parent, link, link.FirstChild())
		}
		parent.RemoveChild(parent, link)
	}
}

// runbook answers with the runbook, so that the link of an alert opens where the program runs. It holds no secrets.
func runbook(w http.ResponseWriter, _ *http.Request) {
	page, err := runbookPage()
	if err != nil {
		http.Error(w, fmt.Sprintf("the runbook cannot be rendered: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	_, _ = w.Write(page) // to a client that left
}
