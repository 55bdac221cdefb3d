// The documentation as a site, from the same files as in the repository. If a link between two documents does not work,
// the build fails. Links to other files lead to the repository at SITE_SOURCE, such as
// https://forge.example.org/crmsync/blob/main; without SITE_SOURCE they become plain text.
import path from 'node:path'
import { defineConfig } from 'vitepress'

const root = path.resolve(import.meta.dirname, '../content')
const source = process.env.SITE_SOURCE

// elsewhere changes links to files that the site does not have.
function elsewhere(md) {
  md.core.ruler.push('elsewhere', (state) => {
    const from = path.dirname(path.relative(root, state.env.path ?? root))
    for (const token of state.tokens) {
      const children = token.children ?? []
      children.forEach((link, n) => {
        if (link.type !== 'link_open') return
        const href = link.attrGet('href')
        if (/^([a-z]+:|#)/.test(href) || /\.md(#|$)/.test(href)) return
        if (source) {
          link.attrSet('href', `${source}/${path.posix.join(from, href)}`)
          return
        }
        link.type = 'text'
        link.content = ''
        const close = children.slice(n).find((t) => t.type === 'link_close')
        close.type = 'text'
        close.content = ''
      })
    }
  })
}

const pages = (text, items) => ({ text, items: items.map(([text, link]) => ({ text, link })) })

export default defineConfig({
  title: 'crmsync',
  description: 'Keeps Salesforce in sync with Monday.com boards',
  base: process.env.SITE_BASE ?? '/',
  srcDir: root,
  outDir: path.resolve(import.meta.dirname, '../../../site'),
  cacheDir: path.join(import.meta.dirname, 'cache'),
  rewrites: { 'README.md': 'index.md', 'docs/decisions/README.md': 'docs/decisions/index.md' },
  lastUpdated: false,
  markdown: { config: elsewhere },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      pages('Begin', [
        ['What it is', '/'], ['Install', '/docs/install'], ['Salesforce, click by click', '/docs/salesforce-setup'],
        ['Monday, click by click', '/docs/monday-setup'], ['Questions', '/docs/faq'], ['Moving from Lambda', '/deploy/lambda'],
      ]),
      pages('Use', [
        ['Mapping', '/docs/mapping'], ['Operating', '/docs/operating'], ['Console', '/docs/console'], ['Errors', '/docs/errors'],
        ['Plans and reports', '/docs/plan'], ['Runbook', '/deploy/runbook'], ['Performance', '/docs/performance'], ['Glossary', '/docs/glossary'],
      ]),
      pages('Understand', [
        ['How it works', '/docs/design'], ['Decisions', '/docs/decisions/'], ['Security', '/SECURITY'],
        ['Compatibility', '/docs/compatibility'], ['Changelog', '/CHANGELOG'], ['Contributing', '/CONTRIBUTING'],
      ]),
    ],
  },
})
