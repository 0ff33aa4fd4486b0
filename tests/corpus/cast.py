"""The patients of the corpus, all invented."""

from __future__ import annotations

from datetime import date

from tests.corpus.people import Hospital, Person

_MERCY = Hospital(
    *("Mercy General Hospital", "MGH-W", "Dept. of Radiology East", "1200 Larkspur Avenue"),
    *("(415) 555-0132", "MGHWCT04", "Abernathy^Louise^^Dr.", "Dr. Abernathy", "Okonkwo^Chidi"),
    *("Vandermeer^Paul", "Tidwell^Sue", "Dr. Fairweather"),
)
_UKE = Hospital(
    *("Universitätsklinikum Eppenstadt", "UKE", "Radiologie Haus 12", "Martinistraße 52"),
    *("040 7410-55512", "UKEMR2", "Weißgerber^Ute^^Dr. med.", "Dr. med. Weißgerber"),
    *("Klopotek^Jens", "Hölzl^Anton", "Brandstätter^Iris", "Prof. Dr. Zumkeller"),
)
_HOPITAL = Hospital(
    *("Hôpital Saint-Cyprien", "CHU-SC", "Imagerie Médicale B", "14 rue des Lilas"),
    *("01 44 55 66 77", "CHUIRM1", "Lefèvre^Éloïse", "Dr Lefèvre", "Brochard^Guy"),
    *("Tanguy^Maël", "Quéré^Solène", "Pr Desrosiers"),
)
_CLINICA = Hospital(
    *("Clínica Nuestra Señora del Pilar", "CNSP", "Radiodiagnóstico", "Calle Mayor 48"),
    *("915 551 234", "CNSPMG1", "Ibáñez^Rocío", "Dra. Ibáñez", "Ochoa^Íñigo", "Peñalver^Lía"),
    *("Zubiri^Ane", "Dr. Echegaray"),
)
_HOSPITAL_PT = Hospital(
    *("Hospital de São Teotónio", "HST", "Serviço de Imagiologia", "Rua das Flores 112"),
    *("21 555 09 87", "HSTUS3", "Magalhães^Inês", "Dr.ª Magalhães", "Falcão^Duarte"),
    *("Brandão^Rui", "Esteves^Noémia", "Dr. Vasconcelos"),
)
_OSPEDALE = Hospital(
    *("Ospedale Santa Restituta", "OSR", "Radiologia Padiglione C", "Via Garibaldi 27"),
    *("06 5555 4321", "OSRTAC1", "Bevilacqua^Nicolò", "Dott. Bevilacqua", "Zampieri^Ada"),
    *("Guarnieri^Lia", "Sgarbi^Pio", "Dott.ssa Malatesta"),
)
_ZIEKENHUIS = Hospital(
    *("Sint Willibrord Ziekenhuis", "SWZ", "Afdeling Radiologie 3B", "Kerkstraat 88"),
    *("020-5550199", "SWZMR3T", "de Graaf^Femke", "dr. de Graaf", "Hoekstra^Sjoerd"),
    *("Dijkhuizen^Bram", "Postma^Wietske", "drs. Oosterhuis"),
)
_TOKYO = Hospital(
    *("Sakuragaoka Medical Center", "SKMC", "Radiology 2F", "3-14-5 Sakuragaoka"),
    *("03-5555-0147", "SKMCCT2", "Kobayashi^Ryota", "Dr. Kobayashi", "Matsuda^Emi"),
    *("Inoue^Daichi", "Fujiwara^Nao", "Dr. Shimizu"),
)
_SEOUL = Hospital(
    *("Hangang Samsan Hospital", "HSH", "Imaging Center", "77 Yeouido-ro"),
    *("02-555-7788", "HSHMR1", "Baek^Soojin", "Dr. Baek", "Noh^Jaewon", "Ryu^Minseo"),
    *("Seo^Hyejin", "Dr. Hwangbo"),
)
_BEIJING = Hospital(
    *("Xishan Peoples Hospital", "XSPH", "CT Room 5", "9 Xishan Road"),
    *("010-5557-6633", "XSPHCT5", "Ouyang^Lifen", "Dr. Ouyang", "Zhuge^Peng", "Situ^Hua"),
    *("Shangguan^Rui", "Dr. Dongfang"),
)
_MOSCOW = Hospital(
    *("Областная больница № 3", "ОБ3", "Отделение рентгена", "ул. Садовая 15"),  # noqa: RUF001
    *("+7 495 555-01-02", "OB3DX1", "Воробьёва^Нина", "Dr. Воробьёва", "Щукин^Олег"),
    *("Лебедев^Пётр", "Гусева^Анна", "Dr. Соколов"),
)
_LATIN_1 = ("ISO_IR 100",)

DOE = Person(
    *("doe", "en", (), "Doe^Jane^Marie", "F", date(1962, 3, 4), "0008675309", "MPI-556-2210"),
    *("415-555-0187", "jane.doe@example.com", "88 Cypress Lane"),
    hospital=_MERCY,
    issuer="MGHW",
    weight=64,
)
MUELLER = Person(
    *("mueller", "de", _LATIN_1, "Müller-Lüdenscheidt^Jörg^^Dr.", "M", date(1957, 11, 23)),
    *("4711-0815", "P 330 912", "0171 5550123", "j.ml@example.de", "Lindenallee 7"),
    hospital=_UKE,
    weight=91,
)
AUBIGNE = Person(
    *("aubigne", "fr", _LATIN_1, "d'Aubigné^François-Xavier", "M", date(1948, 7, 14)),
    *("IPP80012345", "1480775123456", "06 12 55 43 21", "fx.aubigne@example.fr"),
    *("3 impasse du Moulin", _HOPITAL),
)
NUNEZ = Person(
    *("nunez", "es", ("ISO_IR 192",), "Núñez de la Vega^María José", "F", date(1971, 5, 30)),
    *("NHC-00451207", "55512345Z", "612 555 987", "mj.nunez@example.es", "Plaza del Sol 9"),
    hospital=_CLINICA,
)
SANTOS = Person(
    *("santos", "pt", _LATIN_1, "Conceição dos Santos^João", "M", date(1985, 1, 9)),
    *("PT5550194", "SNS 287 555 101", "912 555 678", "joao.cs@example.pt"),
    *("Largo do Carmo 4", _HOSPITAL_PT),
)
FILIPPO = Person(
    *("filippo", "it", _LATIN_1, "De Filippo^Niccolò", "M", date(1939, 12, 2)),
    *("CART00019283", "DFLNCL39T02H501X", "333 5551234", "n.defilippo@example.it"),
    *("Corso Italia 101", _OSPEDALE),
)
BERG = Person(
    *("berg", "nl", _LATIN_1, "van der Bergh^Anneke", "F", date(1990, 8, 17)),
    *("7704412", "BSN 555123987", "06-55501234", "a.vdbergh@example.nl"),
    *("Prinsengracht 263", _ZIEKENHUIS),
)
YAMADA = Person(
    *("yamada", "en", ("", "ISO 2022 IR 87"), "Yamada^Tarou", "M", date(1955, 2, 11)),
    *("J-0090231", "K55-8812", "090-5555-1234", "t.yamada@example.jp", "1-2-3 Minami-Aoyama"),
    hospital=_TOKYO,
    groups=("山田^太郎", "やまだ^たろう"),
)
HONG = Person(
    *("hong", "en", ("", "ISO 2022 IR 149"), "Hong^Gildong", "M", date(1979, 9, 21)),
    *("KR20055123", "790921-1555123", "010-5550-4321", "gd.hong@example.kr"),
    *("12 Sejong-daero", _SEOUL),
    groups=("洪^吉洞", "홍^길동"),
)
WANG = Person(
    *("wang", "en", ("GB18030",), "Wang^XiaoDong", "M", date(1966, 6, 1)),
    *("CN88120045", "M55501", "138 5555 0199", "wxd@example.cn", "Lane 45 Nanjing Road"),
    hospital=_BEIJING,
    groups=("王^小东",),
)
PETROV = Person(
    *("petrov", "en", ("ISO_IR 144",), "Петров-Водкин^Алексей^Ильич", "M", date(1944, 4, 26)),
    *("ИБ-77120", "555-123-987 01", "+7 916 555-33-44", "a.petrov@example.ru"),
    *("ул. Лесная 8", _MOSCOW),
)
NG = Person(
    *("ng", "en", (), "Ng^Bo", "F", date(2001, 10, 5), "NG51", "S5551234D"),
    *("+65 5550 1234", "bo.ng@example.sg", "Blk 44 Clementi Road", _MERCY),
)
HEAD = Person(
    *("head", "en", (), "Head^Grace", "F", date(1921, 1, 31), "0000772211", "MPI-100-7788"),
    *("415-555-0111", "g.head@example.com", "5 Elm Court", _MERCY),
    ambiguous=("Head",),
)
CAST = (
    *(DOE, MUELLER, AUBIGNE, NUNEZ, SANTOS, FILIPPO, BERG, YAMADA, HONG, WANG, PETROV, NG, HEAD),
)
