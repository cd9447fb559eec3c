"""The names in the stories of the labelled claims, chosen by hand before any was evaluated."""

from __future__ import annotations

from orgs.vocabulary import Kind

_COMPANIES = """
acryl acryl.io|arize arize.com|benchling benchling.com|braintrust braintrust.dev|browserstack browserstack.com
buildkite buildkite.com|clarifai clarifai.com|cleanlab cleanlab.ai|clearml clear.ml|cloudsmith cloudsmith.com
codecov codecov.io|contentful contentful.com|coralogix coralogix.com|databento databento.com|daytona daytona.io
descript descript.com|fireblocks fireblocks.com|flagsmith flagsmith.com|hopsworks hopsworks.ai
lambdatest lambdatest.com|lumigo lumigo.io|mapbox mapbox.com|nominal nominal.io|openbb openbb.co|percy percy.io
pinecone pinecone.io|propelauth propelauth.com|robocorp robocorp.com|runai run.ai|statsig statsig.com
superannotate superannotate.com|tinybird tinybird.co|tobiko tobikodata.com|uipath uipath.com
unstructured unstructured.io|upstash upstash.com|valohai valohai.com|vastai vast.ai|veracode veracode.com
vonage vonage.com|wasmer wasmer.io|zhinst zhinst.com|chonkie chonkie.ai|alibabacloud alibabacloud.com
newrelic newrelic.com|twilio twilio.com|sendgrid sendgrid.com|weaviate weaviate.io|qdrant qdrant.tech
confluent confluent.io
"""
_COMMUNITIES = """
agate agate|arviz arviz-devs arviz.org|astropy astropy astropy.org|autogluon autogluon|bagit libraryofcongress
bleak hbldh|bravado yelp|cocotb cocotb cocotb.org|colcon colcon|cyclonedx cyclonedx cyclonedx.org|docspec docspec
ecmwf ecmwf ecmwf.int|esphome esphome esphome.io|gitlint gitlint|gspread gspread|gstools geostat-framework
kornia kornia kornia.org|mdformat mdformat|mitmproxy mitmproxy mitmproxy.org|mkdocstrings mkdocstrings
mmengine open-mmlab|music-assistant music-assistant music-assistant.io|nequip nequip
openfeature open-feature openfeature.dev|openlineage openlineage openlineage.io|openmeteo open-meteo open-meteo.com
openslide openslide openslide.org|openvino openvinotoolkit|piccolo piccolo-orm piccolo-orm.com|pyexcel pyexcel
pyinstaller pyinstaller pyinstaller.org|pymatgen materialsproject pymatgen.org|pytensor pymc-devs
python-lsp python-lsp|pyvisa pyvisa|robotcode robotcodedev robotcode.io|scikit-build scikit-build scikit-build.org
sigstore sigstore sigstore.dev|skypilot skypilot-org|snakemake snakemake|solara widgetti solara.dev
spatialdata scverse|spiffe spiffe spiffe.io|strawberry-graphql strawberry-graphql|taskcluster taskcluster
weblate weblateorg weblate.org|zigpy zigpy|home-assistant home-assistant home-assistant.io|griffe mkdocstrings
treelite dmlc|hatchling pypa|whylogs whylabs|xsdata tefra|tensordict pytorch|pybtex pybtex
"""


def _entries(text: str) -> list[list[str]]:
    return [entry.split() for line in text.strip().splitlines() for entry in line.split("|")]


STEWARDS: list[tuple[Kind, str, str, str]] = [
    *((Kind.COMPANY, prefix, domain, "") for prefix, domain in _entries(_COMPANIES)),
    *((Kind.COMMUNITY, prefix, (*rest, "")[0], forge) for prefix, forge, *rest in _entries(_COMMUNITIES)),
]
"""Kind, prefix, domain and forge organization, as we believe them to be."""

NEW_COMPANIES = """
lumetrica quorvia veltrano osmirion tazumi pelagryph korvexa nimbralis zephtora axolume brindelia cadmoria dovetril
elvaston fjordelle gantrelle halcyra ionvex jasperyn kestrova larkspire mordanic novaquill orbentis pyxidra quillora
rivenmark solvantis tarnwell umbrixa vantorre wexcombe yarrowix zintegra brightharrow stonequill
""".split()  # noqa: SIM905 -- as literals they would fill a page

NEW_PROJECTS = """
zubrello mintaqua corvantis pellumbra dristano fenwhistle okturon ruvella sylphora talqueen vexillora wyrdlane
""".split()  # noqa: SIM905 -- as literals they would fill a page

INNER = [
    ("databricks-labs", "databricks.com"),
    ("databricks-sql", "databricks.com"),
    ("snowflake-connector", "snowflake.com"),
    ("microsoft-kiota", "microsoft.com"),
    ("microsoft-agents", "microsoft.com"),
    ("vonage-network", "vonage.com"),
    ("sap-ai", "sap.com"),
    ("ibm-watsonx", "ibm.com"),
    ("amazon-textract", "amazon.com"),
    ("alibabacloud-darabonba", "alibabacloud.com"),
    ("nvidia-nvtx", "nvidia.com"),
    ("acryl-datahub", "acryl.io"),
    ("intel-cmplr", "intel.com"),
    ("confluent-kafka", "confluent.io"),
]

FAMOUS = [
    ("django", "djangoproject.com"),
    ("flask", "palletsprojects.com"),
    ("pytest", "pytest.org"),
    ("langchain", "langchain.com"),
    ("llama-index", "llamaindex.ai"),
    ("wagtail", "wagtail.org"),
    ("plone", "plone.org"),
    ("odoo", "odoo-community.org"),
    ("jupyter", "jupyter.org"),
    ("mkdocs", "mkdocs.org"),
    ("sphinx", "sphinx-doc.org"),
    ("airbyte", "airbyte.com"),
    ("dagster", "dagster.io"),
    ("sentry", "sentry.io"),
    ("mlflow", "mlflow.org"),
    ("kedro", "kedro.org"),
    ("numpy", "numpy.org"),
    ("pandas", "pydata.org"),
]

SINGLE = """
certifi cachetools voluptuous sortedcontainers bitarray pyserial diskcache gruut icalendar pypika pyaml pynput
scholarly formulaic tentaclio metar pyhanko gspread psutil vcrpy
""".split()  # noqa: SIM905 -- as literals they would fill a page

WORDS = """
parser crawler scheduler scraper dashboard pipeline logger calendar weather invoice translator generator
harbor falcon meadow river banana rocket compass lighthouse orange mercury atlas phoenix
machine-learning deep-learning web-server data-tools image-processing neural-network file-manager text-analysis
""".split()  # noqa: SIM905 -- as literals they would fill a page

SHORT = [
    ("aws", "aws.com"),
    ("ibm", "ibm.com"),
    ("sap", "sap.com"),
    ("dbt", "getdbt.com"),
    ("fal", "fal.ai"),
    ("mne", "mne.tools"),
    ("ray", "ray.io"),
    ("drf", "drf.dev"),
    ("ncs", "ncs.co"),
    ("ots", "ots.io"),
]

SQUATTED = """
django django-rest django-admin django-allauth django-cms django-storages scikit scikit-learn scikit-image cupy
flask flask-admin flask-sqlalchemy pytest pytest-django pytest-cov typing typing-extensions google google-auth
openai anthropic langchain langchain-openai llama-index numpy pandas requests fastapi streamlit celery sphinx
airflow kubernetes tensorflow torch jupyter mkdocs sqlalchemy pydantic
""".split()  # noqa: SIM905 -- as literals they would fill a page

BORROWED = """
django-enterprise django-official google-pay google-official openai-official openai-helpers my-openai anthropic-agents
langchain-enterprise pytest-official flask-security-pro numpy-secure pandas-enterprise requests-secure fastapi-cloud
streamlit-official kubernetes-official tensorflow-secure torch-official microsoft-official airflow-enterprise
scikit-official googlepay openaitools pytorch-official huggingface-official databricks-official snowflake-official
stripe-payments-official real-django the-pandas
""".split()  # noqa: SIM905 -- as literals they would fill a page

_MISSPELLED = """
opentelernetry opentelemetry|opentelemtry opentelemetry|opentelemerty opentelemetry|open-telemetry opentelemetry
djanqo django|djang0 django|dajngo django|djano django|goog1e google|gooogle google|googl google
google-c1oud google-cloud|googlecloud google-cloud|goolge-cloud google-cloud|reqeusts requests|requsts requests
requestss requests|request5 requests|pandsa pandas|panda5 pandas|numppy numpy|nunpy numpy
tensorfl0w tensorflow|tensorfolw tensorflow|tensorlfow tensorflow|pytroch pytorch|pyt0rch pytorch|fastapii fastapi
fastpai fastapi|streamlt streamlit|stream1it streamlit|sqlalchmey sqlalchemy|sqlachemy sqlalchemy
kuberenetes kubernetes|kubernets kubernetes|kubemetes kubernetes|langchian langchain|lang-chain langchain
1angchain langchain|anthropc anthropic|anthr0pic anthropic|opena1 openai|opnai openai|cryptograhpy cryptography
beautifulsuop beautifulsoup|colourama colorama|co1orama colorama|urlib3 urllib3|setuptoo1s setuptools
djangorestframewrok djangorestframework|pydanctic pydantic|matpltlib matplotlib|matplotlob matplotlib
scikit-leam scikit-learn|scikitlearn scikit-learn|scikti-learn scikit-learn|azurre azure|azzure azure
apache-airf1ow apache-airflow|celrey celery|flaask flask|pytset pytest|seleniumm selenium|huggingfaec huggingface
""".replace("nump1 numpl\n", "\n").replace("", "")
MISSPELLED = [(entry[0], entry[1]) for entry in _entries(_MISSPELLED) if len(entry) == 2]

HELD = """
google google-cloud google-cloud-storage google-cloud-tools opentelemetry opentelemetry-contrib azure azure-tools
types types-enterprise apache-airflow-providers apache apache-airflow-providers-acme aws-cdk aws-cdk-tools cupy cupy-pro
""".split()  # noqa: SIM905 -- as literals they would fill a page

RESERVED = [
    "python",
    "pip",
    "api",
    "json",
    "security",
    "packaging",
    "setuptools",
    "test",
    "mcp",
    "official",
    "cli",
    "sdk",
]
