"""Class names of the paper's tasks, and when two spellings are one name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_PREFIX = re.compile(r"^(?:\d{3}\.|n\d{8}[-_ ]|/[a-z]/)")
"""``001.`` of CUB, ``n02085620-`` of Stanford Dogs, ``/a/`` of Places."""


def canonical(name: str) -> str:
    """A class name as distbench writes it: ``001.Black_footed_Albatross`` without number."""
    return re.sub(r"[\s_/-]+", " ", _PREFIX.sub("", name.strip())).strip().lower()


def key(name: str) -> str:
    """What two spellings of one name have in common: their letters and digits."""
    return re.sub(r"[^a-z0-9]+", "", canonical(name))


def spelled(
    names: Iterable[str], expected: Sequence[str], aliases: Mapping[str, str]
) -> dict[str, str]:
    """How the expected classes are spelled by an origin: from its spelling to the expected one.

    Args:
        names: Of the origin.
        expected: Canonical names.
        aliases: Other names of classes, by their `key`.
    """
    known = {key(name): name for name in expected}
    spellings = {}
    for name in names:
        match = aliases.get(key(name), known.get(key(name)))
        if match is not None:
            spellings[name] = match
    return spellings


def _list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(";"))


CIFAR10 = _list("airplane; automobile; bird; cat; deer; dog; frog; horse; ship; truck")

EUROSAT = _list(
    """annual crop; forest; herbaceous vegetation; highway; industrial; pasture; permanent crop;
residential; river; sea lake"""
)

ISIC2018 = _list("mel; nv; bcc; akiec; bkl; df; vasc")
"""In the order of the official table's columns."""

SKIN = {
    "melanoma": "mel",
    "melanocyticnevus": "nv",
    "melanocyticnevi": "nv",
    "nevus": "nv",
    "basalcellcarcinoma": "bcc",
    "actinickeratosis": "akiec",
    "actinickeratoses": "akiec",
    "benignkeratosis": "bkl",
    "benignkeratosislikelesions": "bkl",
    "dermatofibroma": "df",
    "vascularlesion": "vasc",
    "vascularlesions": "vasc",
}
"""Full names of the seven diagnoses."""

CHESTX14 = _list(
    """atelectasis; cardiomegaly; effusion; infiltration; mass; nodule; pneumonia; pneumothorax;
consolidation; edema; emphysema; fibrosis; pleural thickening; hernia"""
)
"""All findings of ChestX-ray14, in the order of Wang et al. (CVPR 2017)."""

CHESTX = _list("atelectasis; cardiomegaly; effusion; infiltration; mass; nodule; pneumothorax")
"""Of the 14 findings those that BSCD-FSL keeps."""

PETS = _list(
    """abyssinian; american bulldog; american pit bull terrier; basset hound; beagle; bengal;
birman; bombay; boxer; british shorthair; chihuahua; egyptian mau; english cocker spaniel; english
setter; german shorthaired; great pyrenees; havanese; japanese chin; keeshond; leonberger; maine
coon; miniature pinscher; newfoundland; persian; pomeranian; pug; ragdoll; russian blue; saint
bernard; samoyed; scottish terrier; shiba inu; siamese; sphynx; staffordshire bull terrier;
wheaten terrier; yorkshire terrier"""
)
"""In the order of the official class numbers."""

DOGS = _list(
    """affenpinscher; afghan hound; african hunting dog; airedale; american staffordshire terrier;
appenzeller; australian terrier; basenji; basset; beagle; bedlington terrier; bernese mountain
dog; black and tan coonhound; blenheim spaniel; bloodhound; bluetick; border collie; border
terrier; borzoi; boston bull; bouvier des flandres; boxer; brabancon griffon; briard; brittany
spaniel; bull mastiff; cairn; cardigan; chesapeake bay retriever; chihuahua; chow; clumber;
cocker spaniel; collie; curly coated retriever; dandie dinmont; dhole; dingo; doberman; english
foxhound; english setter; english springer; entlebucher; eskimo dog; flat coated retriever;
french bulldog; german shepherd; german short haired pointer; giant schnauzer; golden retriever;
gordon setter; great dane; great pyrenees; greater swiss mountain dog; groenendael; ibizan
hound; irish setter; irish terrier; irish water spaniel; irish wolfhound; italian greyhound;
japanese spaniel; keeshond; kelpie; kerry blue terrier; komondor; kuvasz; labrador retriever;
lakeland terrier; leonberg; lhasa; malamute; malinois; maltese dog; mexican hairless; miniature
pinscher; miniature poodle; miniature schnauzer; newfoundland; norfolk terrier; norwegian
elkhound; norwich terrier; old english sheepdog; otterhound; papillon; pekinese; pembroke;
pomeranian; pug; redbone; rhodesian ridgeback; rottweiler; saint bernard; saluki; samoyed;
schipperke; scotch terrier; scottish deerhound; sealyham terrier; shetland sheepdog; shih tzu;
siberian husky; silky terrier; soft coated wheaten terrier; staffordshire bullterrier; standard
poodle; standard schnauzer; sussex spaniel; tibetan mastiff; tibetan terrier; toy poodle; toy
terrier; vizsla; walker hound; weimaraner; welsh springer spaniel; west highland white terrier;
whippet; wire haired fox terrier; yorkshire terrier"""
)

CUB200 = _list(
    """black footed albatross; laysan albatross; sooty albatross; groove billed ani; crested auklet;
least auklet; parakeet auklet; rhinoceros auklet; brewer blackbird; red winged blackbird; rusty
blackbird; yellow headed blackbird; bobolink; indigo bunting; lazuli bunting; painted bunting;
cardinal; spotted catbird; gray catbird; yellow breasted chat; eastern towhee; chuck will widow;
brandt cormorant; red faced cormorant; pelagic cormorant; bronzed cowbird; shiny cowbird; brown
creeper; american crow; fish crow; black billed cuckoo; mangrove cuckoo; yellow billed cuckoo;
gray crowned rosy finch; purple finch; northern flicker; acadian flycatcher; great crested
flycatcher; least flycatcher; olive sided flycatcher; scissor tailed flycatcher; vermilion
flycatcher; yellow bellied flycatcher; frigatebird; northern fulmar; gadwall; american
goldfinch; european goldfinch; boat tailed grackle; eared grebe; horned grebe; pied billed
grebe; western grebe; blue grosbeak; evening grosbeak; pine grosbeak; rose breasted grosbeak;
pigeon guillemot; california gull; glaucous winged gull; heermann gull; herring gull; ivory
gull; ring billed gull; slaty backed gull; western gull; anna hummingbird; ruby throated
hummingbird; rufous hummingbird; green violetear; long tailed jaeger; pomarine jaeger; blue jay;
florida jay; green jay; dark eyed junco; tropical kingbird; gray kingbird; belted kingfisher;
green kingfisher; pied kingfisher; ringed kingfisher; white breasted kingfisher; red legged
kittiwake; horned lark; pacific loon; mallard; western meadowlark; hooded merganser; red
breasted merganser; mockingbird; nighthawk; clark nutcracker; white breasted nuthatch; baltimore
oriole; hooded oriole; orchard oriole; scott oriole; ovenbird; brown pelican; white pelican;
western wood pewee; sayornis; american pipit; whip poor will; horned puffin; common raven; white
necked raven; american redstart; geococcyx; loggerhead shrike; great grey shrike; baird sparrow;
black throated sparrow; brewer sparrow; chipping sparrow; clay colored sparrow; house sparrow;
field sparrow; fox sparrow; grasshopper sparrow; harris sparrow; henslow sparrow; le conte
sparrow; lincoln sparrow; nelson sharp tailed sparrow; savannah sparrow; seaside sparrow; song
sparrow; tree sparrow; vesper sparrow; white crowned sparrow; white throated sparrow; cape
glossy starling; bank swallow; barn swallow; cliff swallow; tree swallow; scarlet tanager;
summer tanager; artic tern; black tern; caspian tern; common tern; elegant tern; forsters tern;
least tern; green tailed towhee; brown thrasher; sage thrasher; black capped vireo; blue headed
vireo; philadelphia vireo; red eyed vireo; warbling vireo; white eyed vireo; yellow throated
vireo; bay breasted warbler; black and white warbler; black throated blue warbler; blue winged
warbler; canada warbler; cape may warbler; cerulean warbler; chestnut sided warbler; golden
winged warbler; hooded warbler; kentucky warbler; magnolia warbler; mourning warbler; myrtle
warbler; nashville warbler; orange crowned warbler; palm warbler; pine warbler; prairie warbler;
prothonotary warbler; swainson warbler; tennessee warbler; wilson warbler; worm eating warbler;
yellow warbler; northern waterthrush; louisiana waterthrush; bohemian waxwing; cedar waxwing;
american three toed woodpecker; pileated woodpecker; red bellied woodpecker; red cockaded
woodpecker; red headed woodpecker; downy woodpecker; bewick wren; cactus wren; carolina wren;
house wren; marsh wren; rock wren; winter wren; common yellowthroat"""
)
"""In the official order, with the official spelling."""
