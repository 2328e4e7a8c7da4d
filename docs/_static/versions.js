// Lists the versions that lie beside this one, and leads to the same page of another.
// `.ci/docs_versions.py` writes versions.json into the folder above; without it nothing is shown.
(async () => {
  const root = new URL(document.documentElement.dataset.content_root, location.href);
  const found = await fetch(new URL("../versions.json", root)).catch(() => undefined);
  if (!found?.ok) return;
  const versions = await found.json();
  const here = root.pathname.split("/").at(-2);
  const page = location.pathname.slice(root.pathname.length);
  const box = document.querySelector(".sidebar-versions");
  const choice = box.querySelector("select");
  for (const version of versions) {
    choice.add(new Option(version, version, false, version === here));
  }
  choice.addEventListener("change", async () => {
    const there = new URL(`../${choice.value}/`, root);
    const same = new URL(page, there);
    const answer = await fetch(same, { method: "HEAD" }).catch(() => undefined);
    location.assign(answer?.ok ? same : there);
  });
  box.hidden = false;
})();
